"""What the API and the pages work with, made once per process."""

from dataclasses import dataclass
from typing import Self

from joserfc.jwk import KeySet
from pydantic import SecretStr

from services.crm.adapters.gazetteer import Gazetteer
from services.crm.adapters.signing_keys import new_keys
from services.crm.application.accounts import AccountBook
from services.crm.application.accuracy import AccuracyBook
from services.crm.application.addresses import AddressStores, OwnAddresses
from services.crm.application.api_tokens import ApiTokenBook, TokenStores
from services.crm.application.attachments import MailAttachments
from services.crm.application.audit import Auditor, AuditTrail
from services.crm.application.bodies import MailBodies
from services.crm.application.clock import Clock, utc_now
from services.crm.application.compose import ComposeContexts
from services.crm.application.contact_files import ContactFiles
from services.crm.application.directory import Directory
from services.crm.application.dry_run import DryRuns
from services.crm.application.email_settings import EmailSettingsPage
from services.crm.application.feed import Feed
from services.crm.application.histories import Histories
from services.crm.application.legal_bases import LegalBases
from services.crm.application.letters import LetterStores, Post
from services.crm.application.mail_associations import MailAssociationsBook
from services.crm.application.mails import Mails
from services.crm.application.mutes import Mutes
from services.crm.application.never_log import NeverLogPage
from services.crm.application.notification_policies import NotificationPolicies
from services.crm.application.notifications import Notifications
from services.crm.application.oauth import OAuth
from services.crm.application.pins import Pins
from services.crm.application.policy_changes import PolicyChanges
from services.crm.application.privacy import PrivacyReviews
from services.crm.application.profiles import Profiles
from services.crm.application.records import RecordBooks
from services.crm.application.recycle_bin import RecycleBin
from services.crm.application.retention import RetentionBook
from services.crm.application.roles import Roles
from services.crm.application.sign_ins import SignIns, SignInStores
from services.crm.application.timelines import Timelines
from services.crm.application.users import UserBook, UserStores
from services.crm.application.webhook_deliveries import WebhookPost
from services.crm.application.webhooks import WebhookBook, WebhookStores
from services.crm.model.addresses import AddressLink
from services.crm.model.users import PasswordLink
from services.crm.settings import CrmSettings
from services.crm.store.accounts import Accounts, Users
from services.crm.store.accuracy import CountingQueue, VerdictCounts
from services.crm.store.addresses import AddressClaims, ProvenAddresses
from services.crm.store.api_tokens import ApiTokens
from services.crm.store.attachments import AttachmentFiles, AttachmentLedger
from services.crm.store.audit import AuditLog
from services.crm.store.bodies import Bodies
from services.crm.store.database import Database
from services.crm.store.grants import Grants
from services.crm.store.hits import HitArchive
from services.crm.store.identities import (
    Attempts,
    Codes,
    Families,
    SecretLinks,
    Sessions,
    SignInNames,
)
from services.crm.store.imports import ImportFiles
from services.crm.store.letters import LetterQueue, Letters
from services.crm.store.messages import Messages
from services.crm.store.never_log import NeverLogEntries
from services.crm.store.notification_policies import MuteQueue, MuteStore, PolicyStore
from services.crm.store.outbox import Outbox, OutboxQueue
from services.crm.store.pins import PinStore
from services.crm.store.privacy import ReviewQueue, Reviews
from services.crm.store.records import AllRecords
from services.crm.store.recycle_bin import RecycleBinStore
from services.crm.store.retention import RetentionQueue, Retentions
from services.crm.store.revocations import Revocations
from services.crm.store.timeline import TimelineStore
from services.crm.store.upkeep import Upkeep
from services.crm.store.webhooks import Announcer, Deliveries, DeliveryQueue, Subscribers, Webhooks
from shared.directory.client import DirectorySettings
from shared.settings import PublicAddresses
from shared.tokens.keyring import KeyRing


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the environment says, and the keys that it names."""

    settings: CrmSettings
    addresses: PublicAddresses
    directory: DirectorySettings
    signing_keys: KeySet
    receipts: KeyRing

    @classmethod
    def without_keys(cls, settings: CrmSettings) -> Self:
        """For commands: they sign nothing and answer no service."""
        return cls(
            settings, PublicAddresses(), DirectorySettings(token=SecretStr("")), new_keys(), KeyRing(0, {})
        )


@dataclass(frozen=True, slots=True)
class Stores:
    """What consumers and upkeep write to."""

    messages: Messages
    hits: HitArchive
    queue: OutboxQueue
    upkeep: Upkeep
    audit: AuditLog
    bodies: Bodies
    counting: CountingQueue


@dataclass(frozen=True, slots=True)
class Collaborators:
    """crm's nouns. Pages and API call these and nothing below them."""

    configuration: Configuration
    clock: Clock
    stores: Stores
    accounts: AccountBook
    sign_ins: SignIns
    oauth: OAuth
    directory: Directory
    histories: Histories
    compose: ComposeContexts
    gazetteer: Gazetteer
    feed: Feed
    accuracy: AccuracyBook
    records: RecordBooks
    recycle_bin: RecycleBin
    legal_bases: LegalBases
    contact_files: ContactFiles
    timelines: Timelines
    mails: Mails
    mail_associations: MailAssociationsBook
    pins: Pins
    email_settings: EmailSettingsPage
    privacy: PrivacyReviews
    users: UserBook
    profiles: Profiles
    api_tokens: ApiTokenBook
    webhooks: WebhookBook
    webhook_post: WebhookPost
    addresses: OwnAddresses
    post: Post
    never_log: NeverLogPage
    retention: RetentionBook
    dry_runs: DryRuns
    audit: AuditTrail
    bodies: MailBodies
    attachments: MailAttachments
    notifications: Notifications
    notification_policies: NotificationPolicies
    mutes: Mutes


def collaborate(configuration: Configuration, database: Database, clock: Clock = utc_now) -> Collaborators:
    """Wire them on a database, which is not asked anything yet."""
    accounts, users, names = Accounts(database), Users(database), SignInNames(database)
    outbox, audit, bodies = Outbox(database), AuditLog(database), Bodies(database)
    records, timeline = AllRecords(database), TimelineStore(database)
    files, pins, hits = AttachmentFiles(database), PinStore(database), HitArchive(database)
    hooks, gazetteer = _webhook_stores(database, clock), Gazetteer(configuration.settings.places)
    messages = Messages(database, outbox, timeline, (bodies, files), records, hooks.announcer)
    upkeep, never_log = Upkeep(database), NeverLogEntries(database)
    roles = Roles(users)
    tokens = ApiTokens(database)
    auditor = Auditor(audit, tokens, clock)
    policy = PolicyChanges(accounts, users, auditor, outbox, roles)
    revocations = Revocations(database, outbox)
    compared = (messages, Reviews(database), ReviewQueue(database), revocations)
    reviews = PrivacyReviews(database, accounts, records, compared, clock)
    policies = NotificationPolicies(database, users, PolicyStore(database, outbox), clock)
    mute_store = MuteStore(database, outbox)
    mutes = Mutes(database, (messages, records, mute_store, MuteQueue(database), outbox), clock)
    families, grants = Families(database), Grants(database)
    proven, letters, claims = ProvenAddresses(database), Letters(database), AddressClaims(database)
    links = SecretLinks(database, "password_links", PasswordLink, of="user_id")
    claim_links = SecretLinks(database, "address_links", AddressLink, of="claim_id")
    queue = LetterQueue(database)
    post = Post(
        LetterStores(
            database=database,
            queue=queue,
            letters=letters,
            asked=Attempts(database, "letter_requests"),
            accounts=accounts,
            users=users,
            names=names,
            claims=claims,
            links=claim_links,
            password_links=links,
        ),
        configuration.addresses.app_url,
        clock,
        set_up=configuration.settings.mail_set_up,
    )
    book = AccountBook(database, accounts, users, names, proven, clock)
    sign_ins = SignIns(
        SignInStores(
            database=database,
            users=users,
            names=names,
            proven=proven,
            sessions=Sessions(database),
            families=families,
            grants=grants,
            failures=Attempts(database, "sign_in_failures"),
            links=links,
            letters=queue,
            outbox=outbox,
        ),
        configuration.signing_keys,
        configuration.addresses.app_url,
        clock,
    )
    extension_ids = configuration.settings.extension_ids
    books = RecordBooks(database, records, users, reviews, clock)
    return Collaborators(
        configuration=configuration,
        clock=clock,
        stores=Stores(messages, hits, OutboxQueue(database), upkeep, audit, bodies, CountingQueue(database)),
        accounts=book,
        sign_ins=sign_ins,
        oauth=OAuth(Codes(database), families, grants, sign_ins, extension_ids, clock),
        directory=Directory(accounts, users, records, messages, never_log, (reviews, mutes), tokens),
        histories=Histories(messages, hits, upkeep),
        compose=ComposeContexts(accounts, records, never_log),
        gazetteer=gazetteer,
        feed=Feed(messages, mute_store, hits, gazetteer, clock),
        accuracy=AccuracyBook(VerdictCounts(database), roles),
        records=books,
        contact_files=ContactFiles(books.contacts, records, users, ImportFiles(database), clock),
        legal_bases=LegalBases(database, records, auditor, reviews, clock),
        recycle_bin=RecycleBin(database, records, RecycleBinStore(database), auditor, reviews, clock),
        timelines=Timelines(records, timeline),
        mails=Mails(messages, (bodies, records, users, auditor), configuration.addresses.tracking_url, clock),
        mail_associations=MailAssociationsBook(
            messages, (records, pins, auditor), (accounts, never_log), clock
        ),
        pins=Pins(database, records, timeline, pins),
        email_settings=EmailSettingsPage(database, policy, revocations, reviews, clock),
        privacy=reviews,
        profiles=Profiles(database, users, sign_ins, policies),
        api_tokens=ApiTokenBook(TokenStores(database, tokens, users, auditor), sign_ins, roles, clock),
        webhooks=WebhookBook(hooks, configuration.settings.webhook_reach, (roles, auditor), clock),
        webhook_post=WebhookPost(hooks, DeliveryQueue(database), auditor, clock),
        addresses=OwnAddresses(
            AddressStores(database, users, names, claims, claim_links, proven, letters, auditor), post, clock
        ),
        post=post,
        users=UserBook(
            UserStores(database, users, names, proven, links, letters, records, tokens, auditor),
            book,
            sign_ins,
            (roles, post),
            clock,
        ),
        never_log=NeverLogPage(database, policy, never_log, clock),
        retention=RetentionBook(
            database, (Retentions(database), RetentionQueue(database), messages, hits, auditor), roles, clock
        ),
        dry_runs=DryRuns(policy, never_log, messages, records, clock),
        audit=AuditTrail(audit, roles),
        bodies=MailBodies(messages, configuration.receipts),
        attachments=MailAttachments(
            accounts, messages, (files, AttachmentLedger(database)), configuration.receipts, clock
        ),
        notifications=Notifications(database, outbox, clock),
        notification_policies=policies,
        mutes=mutes,
    )


def _webhook_stores(database: Database, clock: Clock) -> WebhookStores:
    webhooks, deliveries = Webhooks(database), Deliveries(database)
    subscribers = Subscribers(webhooks)
    return WebhookStores(
        database, webhooks, subscribers, deliveries, Announcer(subscribers, deliveries, clock)
    )
