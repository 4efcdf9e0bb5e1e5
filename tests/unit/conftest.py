"""How properties are tested: by examples, not by the clock."""

from hypothesis import settings

settings.register_profile("kaifu", deadline=None)
settings.load_profile("kaifu")
