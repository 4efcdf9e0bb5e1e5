"""The house: every service has the same rooms, and what is said once is said once."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase
from pydantic_settings import BaseSettings

from shared.events.catalogue import TOPICS
from shared.telemetry import names
from tests.architecture.source import ROOT, SERVICES, Source, at_import, called, sources, strings

CODE = sources("services", "shared")
CLIENTS = {
    "AIOKafkaConsumer",
    "AIOKafkaProducer",
    "AsyncClient",
    "AsyncIOMotorClient",
    "AsyncMongoClient",
    "EventConsumer",
    "EventPublisher",
    "KafkaAdminClient",
    "Rdict",
    "consumer_client",
}
WIRING = re.compile(r"services/\w+/(__main__|commands|demo|adapters/.+|store/.+)\.py|shared/(bus|doctor)/.+")


def _ids(source: Source) -> str:
    return source.name


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_its_rooms(service: str) -> None:
    house = ROOT / "services" / service
    for room in ("__init__.py", "__main__.py", "settings.py", "handlers.py"):
        assert (house / room).is_file(), room
    assert (house / "adapters" / "__init__.py").is_file()
    for noun in ("model", "rules"):
        assert (house / f"{noun}.py").is_file() or (house / noun / "__init__.py").is_file(), noun
    if service in {"crm", "ingest", "notifier"}:
        assert (house / "api.py").is_file() or (house / "api" / "__init__.py").is_file()
    assert (house / "store").exists() is (service == "crm"), "only crm has a database"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_says_what_it_consumes_produces_and_stores(service: str) -> None:
    words = (importlib.import_module(f"services.{service}").__doc__ or "").lower()
    for verb in ("consumes", "produces", "stores"):
        assert verb in words


def test_there_is_no_other_service() -> None:
    found = {
        file.name
        for file in (ROOT / "services").iterdir()
        if file.is_dir() and (file / "__init__.py").exists()
    }
    assert found == set(SERVICES)


@pytest.mark.parametrize("folder", ["services", "shared", "deploy"])
def test_no_module_is_named_for_nothing(folder: str) -> None:
    for file in (ROOT / folder).rglob("*"):
        assert not re.search(r"(^|_)(utils?|commons?|helpers?|misc)$", file.stem), file


def test_topic_names_stand_in_the_catalogue_alone() -> None:
    """`notifications` is also an ordinary word, so there it is the topic argument that counts."""
    topics = {topic.name for topic in TOPICS} - {"notifications"}
    found = [
        source.place(node)
        for source in CODE
        if source.name != "shared/events/catalogue.py"
        for node in strings(source)
        if any(re.search(rf"(^|[^\w.]){re.escape(topic)}($|[^\w-])", str(node.value)) for topic in topics)
        and not _is_help(source, node)
    ]
    assert found == []


def _is_help(source: Source, node: ast.Constant) -> bool:
    """An example for people in the command line's help."""
    return any(
        keyword.arg == "help" and keyword.value is node
        for call in ast.walk(source.tree)
        if isinstance(call, ast.Call)
        for keyword in call.keywords
    )


def test_nothing_is_made_while_importing() -> None:
    """A client at import hides a connection in an import line, and no test can replace it."""
    found = [
        source.place(node)
        for source in CODE
        for node in at_import(source.tree)
        if isinstance(node, ast.Call) and called(node) in CLIENTS
    ]
    assert found == []


def test_clients_are_made_where_things_are_wired() -> None:
    found = [
        source.place(node)
        for source in CODE
        if not WIRING.fullmatch(source.name)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and called(node) in CLIENTS
    ]
    assert found == []


def test_every_metric_is_used() -> None:
    metrics = {name for name, value in vars(names).items() if isinstance(value, MetricWrapperBase)}
    used = {
        alias.name
        for source in CODE
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom) and node.module == "shared.telemetry.names"
        for alias in node.names
    }
    assert len(metrics) > 10
    assert metrics - used == set()


def test_no_metric_is_made_elsewhere() -> None:
    makers = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}
    found = [
        source.place(node)
        for source in CODE
        if source.name != "shared/telemetry/names.py"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("prometheus_client")
        if makers & {alias.name for alias in node.names}
    ]
    assert found == []


def test_metric_names_are_prefixed_and_there_once() -> None:
    metrics = [value for value in vars(names).values() if isinstance(value, MetricWrapperBase)]
    told = [metric._name for metric in metrics]
    assert len(set(told)) == len(told)
    assert all(name.startswith("kaifu_") for name in told)


def _settings() -> list[type[BaseSettings]]:
    modules = [f"services.{service}.settings" for service in SERVICES]
    found = {
        value
        for name in (*modules, "shared.settings", "shared.directory.client")
        for value in vars(importlib.import_module(name)).values()
        if inspect.isclass(value) and issubclass(value, BaseSettings) and value is not BaseSettings
    }
    return sorted(found, key=lambda one: one.__name__)


@pytest.mark.parametrize("settings", _settings(), ids=lambda one: one.__name__)
def test_settings_have_the_prefix_of_their_owner(settings: type[BaseSettings]) -> None:
    prefix = settings.model_config["env_prefix"]
    owner = settings.__module__.split(".")
    if owner[0] == "services":
        assert prefix == f"KAIFU_{owner[1].upper()}_"
    else:
        assert prefix == "PUBLIC_" or re.fullmatch(r"KAIFU_[A-Z]+_", prefix)
        assert prefix not in {f"KAIFU_{service.upper()}_" for service in SERVICES}


def test_no_two_settings_read_one_variable() -> None:
    read = [
        f"{settings.model_config['env_prefix']}{field}".upper()
        for settings in _settings()
        for field in settings.model_fields
    ]
    assert sorted(read) == sorted(set(read))


def test_the_environment_is_read_by_settings_alone() -> None:
    found = [
        source.place(node)
        for source in CODE
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    ]
    assert found == []


@pytest.mark.parametrize("source", sources("services", "shared", "deploy"), ids=_ids)
def test_what_is_public_says_what_it_is(source: Source) -> None:
    assert ast.get_docstring(source.tree), f"{source.name} has no docstring"
    methods = not source.name.startswith("deploy/")  # there a step's words stand where it is listed
    silent = [source.place(node) for node in _public(source.tree, methods) if not ast.get_docstring(node)]
    assert silent == []


_Def = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _public(node: ast.Module | ast.ClassDef, methods: bool) -> list[_Def]:
    found: list[_Def] = []
    for child in node.body:
        if not isinstance(child, _Def) or child.name.startswith("_") or _is_bare(child):
            continue
        found.append(child)
        if isinstance(child, ast.ClassDef) and methods:
            found += _public(child, methods)
    return found


def _is_bare(node: _Def) -> bool:
    """A member of a protocol whose name and type say all: its body is `...`."""
    return ast.unparse(node.body[-1]) == "..." and not isinstance(node, ast.ClassDef)


def test_the_product_speaks_of_itself_alone() -> None:
    """No unfinished work and no machine's paths in what is shipped."""
    pattern = re.compile(r"\b(TODO|FIXME|XXX)\b|/work/|/root/|/home/\w")
    files = [file for folder in ("services", "shared", "deploy") for file in (ROOT / folder).rglob("*.py")]
    found = [str(file.relative_to(ROOT)) for file in files if pattern.search(file.read_text())]
    assert found == []


def test_tests_never_import_from_conftest() -> None:
    found = [
        str(file.relative_to(ROOT))
        for file in (ROOT / "tests").rglob("*.py")
        if re.search(r"^\s*from \S*conftest import|^\s*import \S*conftest", file.read_text(), re.MULTILINE)
    ]
    assert found == []


def test_this_file_looks_at_something() -> None:
    assert len(CODE) > 60
    assert Path(ROOT / "pyproject.toml").is_file()
