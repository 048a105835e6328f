from django.db import migrations

# xmin has 32 bits of the transaction's number; with the present epoch before it, it is one that can be asked about.
# Only a row of the transaction itself is visible while the transaction that wrote it is in progress.
FORWARDS = """
CREATE FUNCTION public.tablekeep_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    present bigint;
    writer bigint;
BEGIN
    IF current_setting('tablekeep.sweeping', true) = 'on' THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        -- Users and events that are deleted leave gaps.
        IF to_jsonb(NEW) - ARRAY['user_id', 'undoes_id'] = to_jsonb(OLD) - ARRAY['user_id', 'undoes_id']
           AND (NEW.user_id IS NULL OR NEW.user_id = OLD.user_id)
           AND (NEW.undoes_id IS NULL OR NEW.undoes_id = OLD.undoes_id) THEN
            RETURN NEW;
        END IF;
        present := pg_current_xact_id()::text::bigint;
        writer := (present >> 32 << 32) | OLD.xmin::text::bigint;
        -- Subtransactions have later numbers; one later by half of all is of the epoch before.
        IF writer > present + (1::bigint << 31) THEN
            writer := writer - (1::bigint << 32);
        END IF;
        IF writer > 0 AND pg_xact_status(writer::text::xid8) = 'in progress' THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'The audit trail is append-only.' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON dataengine_auditevent
    FOR EACH ROW EXECUTE FUNCTION public.tablekeep_audit_is_append_only();
CREATE TRIGGER append_only_as_a_whole BEFORE TRUNCATE ON dataengine_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION public.tablekeep_audit_is_append_only();
"""
BACKWARDS = """
DROP TRIGGER append_only ON dataengine_auditevent;
DROP TRIGGER append_only_as_a_whole ON dataengine_auditevent;
DROP FUNCTION public.tablekeep_audit_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("dataengine", "0026_kept_answers"),
    ]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
