"""What is detected from the beginning of a file, and that given options take precedence."""

from __future__ import annotations

import io
from typing import Any

import pytest

from dataengine.exceptions import InvalidInput
from dataengine.imports.dialects.detection import detect
from dataengine.imports.dialects.dialect import Dialect, DialectOptions
from dataengine.imports.dialects.header import read_header
from dataengine.imports.parsing.parser import parse
from dataengine.imports.reading.source import Source, open_source


def source_of(data: bytes | str, filename: str = "a.csv") -> Source:
    return open_source(io.BytesIO(data.encode() if isinstance(data, str) else data), filename)


def found(data: bytes | str, filename: str = "a.csv", **options: Any) -> Dialect:
    return detect(source_of(data, filename), DialectOptions.from_options(options))


PEOPLE = "id,name,born\n" + "".join(f"{n},name {n},1990-01-{n:02}\n" for n in range(1, 29))


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        (PEOPLE, ","),
        (PEOPLE.replace(",", ";"), ";"),
        (PEOPLE.replace(",", "\t"), "\t"),
        (PEOPLE.replace(",", "|"), "|"),
        ("a;b;c\n1,5;2,3;x\n4,5;6,7;y\n", ";"),
        ("time,what\n12:30:45,run\n13:30:45,walk\n", ","),
        ("name,n\nJohn Smith,42\nMary Jones,43\n", ","),
        ("id;address\n1;Main St, 5\n2;High St, 6\n", ";"),
        ("ts,v\n2024-01-01T10:00:00Z,1\n2024-01-01T10:00:01Z,2\n", ","),
        ("a\tb c\td\n1\tx y\t2\n", "\t"),
        ("1 2 3\n4 5 6\n7 8 9\n", " "),
        ("root:x:0:0:root\nbin:x:1:1:bin\n", ":"),
        ('id,j\n1,"{""a"": 1, ""b"": 2}"\n2,"{""a"": 3, ""b"": 4}"\n', ","),
        ('"a","b"\n"1,5","2"\n"3,4","x;y"\n', ","),
        ('a;"b"\n1;"x;y;z"\n2;"p;q;r"\n', ";"),
        ("a,b,c\n1,2,3\n4,5\n6,7,8,9\n7,8,9\n", ","),
        ("a,b\n1,2,3\n", ","),
        ("name\nalice\nbob\n", ","),
        ("sep=|\na|b\n1|2\n", "|"),
        ('id name note\n1 Ann "a b"\n2 "Bob Lee" x\n3 Cid y\n4 Eve "two words"\n', " "),
        ('id, name, note\n1, "Lee, Ann", "a, b"\n2, Bob, x\n3, Cid, "y"\n', ", "),
        ('id,name,note\n1,"Lee, Ann",x\n2, "Bob", x\n3,Cid,"y, ""z"""\n4,Eve,w\n', ","),
    ],
)
def test_delimiter(text: str, delimiter: str) -> None:
    assert found(text).delimiter == delimiter


@pytest.mark.parametrize(
    "text",
    [
        "name\nalice\nbob\n",
        "address\n1 Main St, Town\n2 High St, City\n",
        "note\nHello there. How are you?\nFine, thanks\nGood\n",
        "full name\nJohn Smith\nMary Jones\n",
        "start\n12:30\n12:45\n",
        "2024-01-01 10:00:00\n2024-01-01 11:00:00\n",
        "url\nhttp://a.example/x\nhttp://b.example/y\n",
    ],
)
def test_one_column_stays_one(text: str) -> None:
    source = source_of(text)
    dialect = detect(source)
    (block,) = parse(source, dialect)
    assert len(block.columns) == 1
    assert block.rejects == []


@pytest.mark.parametrize(
    ("text", "quote", "escape"),
    [
        (PEOPLE, '"', None),
        ("a,b\n'x, y','z'\n'w','O'\n", "'", None),
        ("a,b\n'x','z'\n'w','O'\n", "'", None),
        ("a,b\nO'Brien,x\nD'Arcy,y\n", '"', None),
        ('a,b\n"he said \\"hi\\"",1\n"x",2\n"y \\"q\\"",3\n', '"', "\\"),
        ('a,b\n"C:\\",1\n"D:\\",2\n', '"', None),
        ('a,b\n"x ""y"" z",1\n' * 3 + '"he said \\"hi\\"",1\n', '"', None),
        ("a,b\n" + "C:\\dir,1\n" * 3 + '"he said \\"hi\\"",1\n', '"', None),
        ('a,b\n"he said \\"hi\\"",\\N\n"","x\\\\y"\n', '"', "\\"),
        ("size\tname\n" + '5" x 3"\tfoo\n' * 10, None, None),
        ('a,b,c\n1,2,3\n4,x"y,5\n6,7,8\n', '"', None),
    ],
)
def test_quote_and_escape(text: str, quote: str | None, escape: str | None) -> None:
    dialect = found(text)
    assert (dialect.quote, dialect.escape) == (quote, escape)


@pytest.mark.parametrize(
    ("text", "header", "skipped"),
    [
        (PEOPLE, True, 0),
        (PEOPLE.partition("\n")[2], False, 0),
        ("name,city\nanna,Rome\nbob,Oslo\n", True, 0),
        ("name,name\nA,B\n", True, 0),
        ("id,name,email\n", True, 0),
        ("country,2019,2020,2021\nFR,1,2,3\nDE,4,5,6\n", True, 0),
        ("2019,2020\n2021,2022\n", False, 0),
        ("1\n2\n3\n", False, 0),
        ("n\n1\n2\n", True, 0),
        ("Report 2024\n\nMade by us\nid,name,n\n1,a,3\n2,b,4\n", True, 3),
        ("Report,,,\n,,,\nid,name,x,y\n1,a,3,4\n2,b,4,5\n", True, 2),
        ("# made by us\nid,name,n\n1,a,3\n", True, 1),
        ("sep=;\na;b\n1;2\n", True, 1),
        ("\n\nid,name\n1,a\n", True, 0),
        ('"Title, of\ntwo lines"\nid,name,x\n1,a,2\n2,b,3\n', True, 2),
        ("a,b\n1,2,3\n4,5,6\n", True, 0),
    ],
)
def test_header_and_preamble(text: str, header: bool, skipped: int) -> None:
    dialect = found(text)
    assert (dialect.has_header, dialect.skip_rows) == (header, skipped)


COLUMNS = "day,text,n\n"
BODIES = ["01/02/2024,a,1\n", "01/02/2024,a,1\n" * 5, "01/02/2024,a,1\n" * 60]


@pytest.mark.parametrize("body", BODIES, ids=["one row", "few", "many"])
@pytest.mark.parametrize("gap", ["", "\n", ",,\n", "\n\n"], ids=["no gap", "blank line", "empty cells", "two lines"])
@pytest.mark.parametrize("padding", ["", ",", ",,"], ids=["bare", "a cell more", "two cells more"])
@pytest.mark.parametrize(
    "lines",
    [
        ["Report 2024"],
        ["Vendor,Test"],
        ["From,2024-01-01", "To,2024-01-31"],
        ["Report", "From:,2024-01-01", "Account,12345"],
        ["Sales of Smith, Jones, Brown, and Co"],
        ["Account;12345", "made by us"],
        [f"key {number},{number}" for number in range(12)],
    ],
    ids=str,
)
def test_lines_before_the_table_are_skipped(lines: list[str], padding: str, gap: str, body: str) -> None:
    before = "".join(f"{line}{padding}\n" for line in lines) + gap
    dialect = found(before + COLUMNS + body)
    assert (dialect.delimiter, dialect.has_header, dialect.skip_rows) == (",", True, before.count("\n"))


@pytest.mark.parametrize(
    "text",
    [
        "a,b,\n1,2,3\n4,5,6\n7,8,9\n",  # a header that lacks a name
        "name,email\nA,x@y\nB,y@z\nC,a,b,c\nD,q\n",  # a row with cells too many
        "h1,h2,h3\n1,2\n3,4,5\n6,7,8\n",  # a row with a cell too few
        "k,v\na,1\nb,2\nc,3\n",
        "a,b\n1,2\n\nTotal,3\n",
        "name,age\nAnn,3\nBob,4\n\nname,age\nEve,5\nZoe,6\nUma,7\n",  # two files in one: the second header is a row
    ],
)
def test_rows_are_not_taken_for_a_preamble(text: str) -> None:
    assert found(text).skip_rows == 0


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line", ["Line {} of the report", "Key {}: 2024-01-31", "# day {}", "Run {}: 10:30"])
def test_titles_may_be_more_than_the_rows_below_them(line: str, mark: str) -> None:
    lines = "".join(line.format(number) + "\n" for number in range(9))
    dialect = found(lines + COLUMNS.replace(",", mark) + BODIES[0].replace(",", mark) * 2)
    assert (dialect.delimiter, dialect.has_header, dialect.skip_rows) == (mark, True, 9)
    timed = found(f"{lines}Key{mark}1\n\na{mark}at{mark}n\nx{mark}10:30{mark}1\ny{mark}11:30{mark}2\n")
    assert (timed.delimiter, timed.has_header, timed.skip_rows) == (mark, True, 11)
    texts = found(lines + "\n" + mark.join(("name", "city", "team")) + f"\nAnn{mark}Rome{mark}Red" * 2)
    assert (texts.delimiter, texts.has_header, texts.skip_rows) == (mark, True, 10)


@pytest.mark.parametrize("end", ["Bye, Ann\nBye, Bob", "Smith,John\nDoe,Jane\nRoe,Ann", "a,b\n1,2\nc,d,e"])
def test_texts_that_end_in_some_commas_are_no_table(end: str) -> None:
    assert found("note\n" + "some words\n" * 9 + end + "\n").skip_rows == 0


@pytest.mark.parametrize(
    ("text", "ruled"),
    [
        ("id,name\n--,----\n1,Ann\n", True),
        ("made by us\n\nid\tname\tx\n--\t----\t-\n1\tAnn\t2\n", True),
        (" id | name | n \n----+------+---\n  1 | Ann  | 2\n  2 | Bob  | 3\n", True),
        ("| id | name |\n|---:|:-----|\n| 1 | Ann |\n| 2 | Bob |\n", True),
        ("id,name\n-,-\n1,Ann\n", False),  # missing values
        ("id,name\n--,Ann\n1,Ann\n", False),
        ("name\n----\nAnn\n", False),
    ],
)
def test_a_line_of_dashes_below_the_header_is_no_row(text: str, ruled: bool) -> None:
    source = source_of(text)
    dialect = detect(source)
    # Of psql's usual output the line belongs to what is drawn.
    assert (dialect.ruled, dialect.is_padded) == (ruled and "-+-" not in text, ruled)
    (block,) = parse(source, dialect)
    assert (int(block.lines[0]) == text.count("\n", 0, text.rindex("Ann")) + 1) == ruled


def test_a_cell_longer_than_the_sample_is_looked_at_has_quotes() -> None:
    dialect = found('a,b\n1,"' + 'line, ""q""\n' * 8_000 + '"\n2,y\n')
    assert (dialect.delimiter, dialect.quote) == (",", '"')


@pytest.mark.parametrize(
    "text",
    [
        "price\n820,87\n388,53\n\n1.652,68\nx1\n" + "365,1\n" * 9,  # one column of decimals
        "% done\nx\n",  # and one of words
        "a,b,c\nK0,x,\nK1,5,\n",  # a column of which nothing is known but the name
        "a,b,c\n\nK0,x,u\nK1,5,v\n",
        "a,b,c\n\nK0,x,u\nK1,5,v\nK2,6,w\nK3,7,w\n",
    ],
)
def test_the_first_line_is_the_header(text: str) -> None:
    source = source_of(text)
    dialect = detect(source)
    assert (dialect.has_header, dialect.skip_rows) == (True, 0)
    assert ",".join(read_header(source, dialect).names) == text.partition("\n")[0]


def test_cells_of_several_lines_leave_no_gap() -> None:
    rows = ["b,abc,soon,x", "g,10.50,2024-01-05,x", "b,x1,2024-02-03,x", "g,6.50,2024-01-05,x", "b,abc,soon,x"]
    later = ["h,abc,soon,x", *(f"g,{n}.5,2024-01-05,y" for n in range(9))]
    assert found("\n".join(["key,n,d,note", *rows, 'b,1.255,2024-02-31,"two\nlines"', *later]) + "\n").skip_rows == 0


def test_lines_of_as_many_cells_before_a_gap() -> None:
    assert found("Account,12345\n\nid,name\n1,a\n2,b\n").skip_rows == 2
    assert found("Team,Red\nBy,Anna\nName,City,Team\nAnna,Rome,Red\nBob,Oslo,Blue\n").skip_rows == 2  # all text


WESTERN = "name,city\nJosé,Málaga\nFrançois,Orléans\nJürgen,Köln\n"
JAPANESE = "名前,住所\n田中太郎,東京都千代田区\n鈴木花子,大阪府大阪市\n"
CHINESE = "姓名,地址\n王小明,北京市朝阳区\n李雷,上海市浦东新区\n"


@pytest.mark.parametrize(
    ("text", "written", "expected"),
    [
        (PEOPLE, "ascii", "utf-8"),
        (WESTERN, "utf-8", "utf-8"),
        (WESTERN, "utf-8-sig", "utf-8"),
        (WESTERN, "utf-16", "utf-16"),
        (WESTERN, "utf-16-le", "utf-16-le"),
        (WESTERN, "utf-16-be", "utf-16-be"),
        (WESTERN, "utf-32", "utf-32"),
        (WESTERN, "cp1252", "cp1252"),
        (WESTERN, "latin-1", "cp1252"),
        ("item,price\nx,5 €\ny – z,6 €\n", "cp1252", "cp1252"),
        ("a,b\nJosé,\x81x\nx,é\n", "latin-1", "latin-1"),
        ("jméno,město\nJiří Novák,Plzeň\nTomáš,Žďár\n", "cp1250", "cp1250"),
        ("imię,miasto\nŁukasz,Łódź\nPaweł,Gdańsk\nMałgorzata,Białystok\n", "cp1250", "cp1250"),
        ("Имя,Город\nИван,Москва\nПётр,Санкт-Петербург\n", "cp1251", "cp1251"),
        ("id,name\n1,Привет мир как дела\n2,улица Ленина\n", "cp1251", "cp1251"),
        ("ad,şehir\nMehmet Öztürk,Şanlıurfa\nAyşe,Iğdır\n", "cp1254", "cp1254"),
        ("όνομα,πόλη\nΓιώργος Παπαδόπουλος,Αθήνα\nΜαρία,Θεσσαλονίκη\n", "cp1253", "cp1253"),
        (JAPANESE, "shift_jis", "cp932"),
        (JAPANESE, "euc_jp", "euc_jp"),
        (CHINESE, "gb18030", "gb18030"),
        (CHINESE, "gb2312", "gb18030"),
        ("이름,주소\n김철수,서울특별시\n이영희,부산광역시\n", "cp949", "cp949"),
        ("姓名,地址\n王小明,臺北市信義區\n李大同,高雄市左營區\n", "big5", "big5"),
    ],
)
def test_encoding(text: str, written: str, expected: str) -> None:
    source = source_of(text.encode(written))
    dialect = detect(source)
    assert dialect.encoding == expected
    names = read_header(source, dialect).names
    blocks = list(parse(source, dialect))
    rows = [names, *([column[0].as_py() for column in blocks[0].columns],)]
    assert rows == [line.split(",") for line in text.split("\n")[:2]]
    assert not any(block.rejects for block in blocks)


def test_the_first_letter_beyond_ascii_may_come_late() -> None:
    data = PEOPLE.encode() * 3000 + "9,José,1990-01-01\n8,Zoë,1990-01-01\n".encode("cp1252")
    assert found(data).encoding == "cp1252"
    assert found(PEOPLE.encode() * 3000 + "9,José,1990-01-01\n".encode()).encoding == "utf-8"


@pytest.mark.parametrize("damage", [b"\xff\xfe", b"\xff", b"\xc3(", b"\x80\x80", b"\xed\xa0\x80"])
def test_a_few_odd_bytes_are_damage_and_no_encoding(damage: bytes) -> None:
    assert found("a,b\né,1\nü,2\n".encode() + damage + b",3\n").encoding == "utf-8"
    assert found(b"a,b\n1,x\n2," + damage + b"\n3,y\n").encoding == "utf-8"


@pytest.mark.parametrize("row", ["é,ü", "ä,", "x,Ø", '"ß","x"', "é\tñ"])
def test_letters_that_are_whole_cells_are_western(row: str) -> None:
    mark = "\t" if "\t" in row else ","
    assert found(f"a{mark}b\n1{mark}x\n{row}\n3{mark}y\n".encode("cp1252")).encoding == "cp1252"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"delimiter": ";"}, Dialect(";")),
        ({"quote": "'"}, Dialect(quote="'")),
        ({"quote": ""}, Dialect(quote=None)),
        ({"quote": ","}, Dialect(";", ",")),
        ({"escape": "\\"}, Dialect(escape="\\")),
        ({"encoding": "latin-1"}, Dialect(encoding="iso8859-1")),
        ({"has_header": False}, Dialect(has_header=False)),
        ({"skip_rows": 1}, Dialect(skip_rows=1, has_header=False)),
        ({"skip_rows": 0}, Dialect()),
        ({"delimiter": "§", "quote": "“"}, Dialect("§", "“")),
    ],
)
def test_what_is_fixed_wins(options: dict[str, Any], expected: Dialect) -> None:
    assert found(PEOPLE, **options) == expected


@pytest.mark.parametrize(
    ("options", "field", "code"),
    [
        ({"delimiter": ""}, "delimiter", "invalid_option"),
        ({"delimiter": ",,"}, "delimiter", "invalid_option"),
        ({"delimiter": "\n"}, "delimiter", "invalid_option"),
        ({"delimiter": 5}, "delimiter", "invalid_option"),
        ({"delimiter": '"', "quote": '"'}, "delimiter", "invalid_option"),
        ({"quote": "''"}, "quote", "invalid_option"),
        ({"escape": "ab"}, "escape", "invalid_option"),
        ({"encoding": "no-such"}, "encoding", "unknown_encoding"),
        ({"encoding": "base64"}, "encoding", "unknown_encoding"),
        ({"encoding": "rot13"}, "encoding", "unknown_encoding"),
        ({"encoding": "undefined"}, "encoding", "unknown_encoding"),
        ({"encoding": "idna"}, "encoding", "unknown_encoding"),
        ({"has_header": "yes"}, "has_header", "invalid_option"),
        ({"skip_rows": -1}, "skip_rows", "invalid_option"),
        ({"skip_rows": True}, "skip_rows", "invalid_option"),
        ({"skip_rows": 10**20}, "skip_rows", "invalid_option"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        DialectOptions.from_options(options)
    assert (caught.value.error_code, list(caught.value.fields)) == (code, [field])


def test_nothing_but_blank_lines() -> None:
    with pytest.raises(InvalidInput) as caught:
        found("\n\r\n\n")
    assert caught.value.error_code == "empty_file"


def test_a_tsv_of_one_column_reads_as_tabs() -> None:
    assert found("name\na,b\nc\n", "a.tsv").delimiter == "\t"


def test_a_delimiter_that_is_the_usual_quote() -> None:
    dialect = found('a"b\n1"2\n', delimiter='"')
    assert (dialect.delimiter, dialect.quote) == ('"', "'")


@pytest.mark.parametrize(("cell", "quote"), [("''", '"'), ("'a'", '"'), ("'", '"'), ("'a,b'", "'")])
def test_one_cell_in_apostrophes_makes_them_quotes_only_where_it_needs_them(cell: str, quote: str) -> None:
    assert found(f"id,a,b\n1,x,{cell}\n2,y,\n").quote == quote


def test_the_encoding_is_the_one_that_spells_words(subtests: pytest.Subtests) -> None:
    texts = [
        ("cp1251", "Привет Москва", "Иванов Пётр"),
        ("cp1251", "Київ", "Україна", "Львів"),
        ("koi8_r", "Привет Москва", "Иванов Пётр"),
        ("cp866", "Привет Москва", "ЕКАТЕРИНБУРГ"),
        ("cp1253", "Αθήνα Θεσσαλονίκη", "Παπαδόπουλος"),
        ("cp1250", "Łódź", "Kraków", "żółć"),
        ("iso8859_2", "Łódź", "Gdańsk", "Śląsk"),
        ("cp1250", "Győr", "Kőszeg", "Hűvösvölgy"),
        ("cp1250", "Příbram", "Žďár", "České Budějovice"),
        ("cp1252", "São Paulo", "educação", "opções"),
        ("cp1254", "İstanbul", "ağaç", "Beşiktaş"),
        ("mac_roman", "Málaga", "ñandú", "Åse"),
        ("cp850", "Müller", "Straße", "Größe"),
        ("cp949", "서울", "부산", "안녕하세요"),
    ]
    for encoding, *words in texts:
        with subtests.test(words=words):
            assert found(("name,v\n" + "".join(f"{word},1\n" for word in words)).encode(encoding)).encoding == encoding


@pytest.mark.parametrize(
    "text",
    [
        "869.29,\n269.55,\n273.97,8\n824.69,\n278.91,8\n449.11,\n",
        '"dora@x.org";"23:07";;\n"mia@x.org";"03:34";;"3"\n"tom@x.org";"17:21";;\n"ann@x.org";"22:17";"5";"8"\n' * 2,
        "2022-09-20 20:01:06,08:35\n2022-12-16 06:28:55,04:02\n2020-08-10 15:45:39,00:39\n",
    ],
)
def test_the_first_row_of_a_file_without_a_header_stands(text: str) -> None:
    """Cells that are empty in the first rows make no preamble of them, and the colons of times no cells."""
    dialect = detect(open_source(io.BytesIO(text.encode()), "a.csv"))
    assert (dialect.has_header, dialect.skip_rows, dialect.delimiter in ",;") == (False, 0, True)
