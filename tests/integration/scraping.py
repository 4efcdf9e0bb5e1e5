"""What a running service tells at `/metrics`."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.stack import Stack
from tests.integration.collector import Labels

Values = dict[tuple[str, Labels], float]


async def scraped(stack: Stack, service: str) -> Values:
    """What `/metrics` of a service says, by name and labels."""
    async with httpx.AsyncClient(trust_env=False) as http:
        text = (await http.get(f"{stack.ops_urls[service]}/metrics")).text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def total(values: Values, name: str, **labels: str) -> float:
    """The sum over all labels but those given."""
    return sum(
        value for (found, having), value in values.items() if found == name and labels.items() <= set(having)
    )
