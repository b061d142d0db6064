"""A company whose exports change from night to night, with rows of every kind of fault."""

import random
from datetime import date

from pipelines.snapshots.snapshot import take_snapshot

NIGHT = date(2026, 3, 10)
CASES = {"path": "cases-*.csv", "duplicates": "first", "rows_without": {"topic": ["test"]}}
BILLS = {"path": "bills-*.csv", "duplicates": "last", "money_unit": "major"}
SOURCES = {"cases": CASES, "invoices": BILLS}
ROWS = {"cases": "case_id,customer_id,opened_at,topic,known_at\n"}
ROWS["bills"] = "invoice_id,customer_id,issued_on,due_on,amount,known_at\n"


def month_of(kind, month, rng, rows=12):
    """A file with rows of strangers, twice the same key, the future, and none that can be read."""
    lines = []
    for number in range(rows):
        key, who, day = rng.randrange(40), rng.randrange(7), rng.randint(1, 28)
        if kind == "cases":
            topic = rng.choice(["billing", "test", ""])
            lines.append(f"k{key},{who},2026-{month:02}-{day:02} 10:00:00,{topic},")
        else:
            amount = rng.choice(["100", "x", "2.500", ""]) if number else "12.5"
            due = f"2026-{month:02}-{rng.randint(1, 28):02}"
            written = f"2026-03-{rng.randint(1, 9):02} 10:00:{key:02}"
            lines.append(f"i{key},{who},2026-{month:02}-{day:02},{due},{amount},{written}")
    return ROWS[kind] + "".join(f"{line}\n" for line in lines)


class GrowingCompany:
    """A company whose exports change, and the snapshots of its nights."""

    def __init__(self, company, tmp_path, seed):
        self.make, self.root, self.rng = company, tmp_path, random.Random(seed)  # noqa: S311  (seeded, no secret)
        self.data, self.night, self.cold = tmp_path / "data", NIGHT, 0
        self.customers, self.shard_size, self.sources = 5, 3, dict(SOURCES)
        self.make()
        for kind in ROWS:
            for month in (1, 3):
                (self.data / f"{kind}-{month}.csv").write_text(month_of(kind, month, self.rng))

    def settings(self, var="var"):
        ids = "".join(f"{n},2020-01-01\n" for n in range(self.customers))
        files = {"customers.csv": f"customer_id,joined_on\n{ids}"}
        engine, quality = (
            {"shard_size": self.shard_size, "threads": 1},
            {"max_quarantine_share": 0.99},
        )
        made = self.make(files, self.sources, engine=engine, quality=quality)
        paths = made.paths.model_copy(update={"var": self.root / var})
        return made.model_copy(update={"paths": paths})

    def taken(self, var="var"):
        return take_snapshot(self.settings(var), self.root / var / "snapshots", as_of=self.night)

    def taken_cold(self):
        self.cold += 1
        return self.taken(f"cold-{self.cold}")

    def files(self):
        return sorted(self.data.glob("*-*.csv"))

    def append(self):
        """A month more, in the middle of the others."""
        kind = self.rng.choice([*ROWS])
        (self.data / f"{kind}-2.csv").write_text(month_of(kind, 3, self.rng))

    def change_a_past_row(self):
        path = self.rng.choice(self.files())
        head, *lines = path.read_text().splitlines(keepends=True)
        lines[self.rng.randrange(len(lines))] = month_of(path.name[:5], 1, self.rng, 1).splitlines(
            keepends=True
        )[1]
        path.write_text(head + "".join(lines))

    def remove_a_file(self):
        self.files()[0].unlink()

    def repeat_a_file(self):
        path = self.files()[-1]
        path.with_stem(f"{path.stem}-again").write_text(path.read_text())

    def add_a_customer(self):
        self.customers += 1

    def another_night(self):
        self.night = date(2026, 3, self.rng.randint(1, 28))

    def deal_to_more_shards(self):
        self.shard_size = 2

    def configure(self):
        self.sources["cases"] = CASES | {"known_delay_days": 2, "rows_without": {}}
        self.sources["invoices"] = BILLS | {"duplicates": "first"}


EDITS = ("append", "change_a_past_row", "remove_a_file", "repeat_a_file", "add_a_customer")
EDITS += ("another_night", "deal_to_more_shards", "configure")
