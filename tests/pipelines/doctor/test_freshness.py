"""``stille status``: how old the published lists are, and who hears when no night came."""

import json
import logging
from datetime import date, timedelta

import pytest
import receivers
from publishing import SCHEMAS
from stamps import stamp_of

from pipelines.publication.publish import publish, publisher, staging_folder
