"""`hubbub cluster`, as a person starts and stops it."""

import asyncio
import re
import signal
import sys
from contextlib import asynccontextmanager

import pytest

from cli.commands import hubbub
