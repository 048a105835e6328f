"""The catalog: what Tablekeep knows about tables, columns, imports and changes. Knows no values of records."""

from dataengine.models.accounts import Account as Account
from dataengine.models.accounts import ApiToken as ApiToken
from dataengine.models.changes import AuditEvent as AuditEvent
from dataengine.models.changes import ChangeJob as ChangeJob
from dataengine.models.changes import RecordChange as RecordChange
from dataengine.models.imports import SOURCE_FOLDER as SOURCE_FOLDER
from dataengine.models.imports import ImportedSpan as ImportedSpan
from dataengine.models.imports import ImportJob as ImportJob
from dataengine.models.imports import RejectedRow as RejectedRow
from dataengine.models.jobs import Job as Job
from dataengine.models.keys import KeptAnswer as KeptAnswer
from dataengine.models.public_links import PublicLink as PublicLink
from dataengine.models.recipes import Recipe as Recipe
from dataengine.models.sessions import ApiSession as ApiSession
from dataengine.models.sessions import Session as Session
from dataengine.models.sources import Download as Download
from dataengine.models.sources import Source as Source
from dataengine.models.tables import Column as Column
from dataengine.models.tables import ColumnLayout as ColumnLayout
from dataengine.models.tables import Index as Index
from dataengine.models.tables import Table as Table
from dataengine.models.trash import TrashItem as TrashItem
from dataengine.models.tuning import DeclinedIndex as DeclinedIndex
from dataengine.models.tuning import TableUse as TableUse
from dataengine.models.webhooks import Delivery as Delivery
from dataengine.models.webhooks import Webhook as Webhook
