"""Table files: the built-in ones are sound, and every mistake of a user's gets one clear line."""

from pathlib import Path

import pytest

from crossres.benchmark import load_table, table_names
from crossres.benchmark.config.profiles import load_profile
from crossres.benchmark.config.tables import select_rows
from crossres.datasets.base.errors import InputError
from crossres.datasets.cards import CARDS
from crossres.datasets.protocols import canonical_text
from crossres.methods.interface.registry import resolve_options

TABLE = """
id = "mine"
datasets = ["caviar"]
metrics = ["rank1"]
seeds = [0]
published = "numbers.csv"
[[rows]]
label = "A"
method = "plain"
published = "A as printed"
[[rows]]
label = "B"
method = "plain"
"""
NUMBERS = "row,dataset,metric,value,source\nA as printed,CAVIAR,rank1,50.4,paper Table 2\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "numbers.csv").write_text(NUMBERS)
    (tmp_path / "mine.toml").write_text(TABLE)
    return tmp_path / "mine.toml"


@pytest.mark.parametrize("name", table_names())
def test_built_in_tables_are_sound(name: str) -> None:
    table = load_table(name)
    assert table.id == name
    profile = load_profile("quick")
    cells = [
        (
            row.method,
            resolve_options(row.method, profile, dict(row.options)),
            row.protocol,
            row.post_processing,
        )
        for row in table.rows
    ]
    # Two rows that resolve to the same cell would be one row with two names.
    assert all(cell != earlier for i, cell in enumerate(cells) for earlier in cells[:i])
    titles = {card.title for card in CARDS.values()}
    rows = {row.published for row in table.rows}
    ours_alone = (
        "controls", "ablations", "ambiguities", "frozen", "gate", "protocols", "rates", "test-time",
        "transfer",
    )  # fmt: skip
    assert bool(table.published) != (name in ours_alone)
    for number in table.published:
        assert number.dataset in titles
        assert number.row in rows
        assert number.source


def test_table2_carries_the_papers_numbers() -> None:
    table = load_table("table2")
    published = table.published_value(table.rows[2], "mlr-sysu", "rank1")
    assert published is not None
    assert (published.value, published.source) == (75.4, "paper Table 2")
    assert table.published_value(table.rows[2], "mlr-sysu", "mAP") is None
    assert [len(table.rows), len(table.datasets), table.seeds] == [3, 5, (0, 1, 2)]


def test_table4_has_nested_training_sets_of_its_own_on_twins_and_on_real_data() -> None:
    table = load_table("table4")
    real = [row.protocol_on(twin=False) for row in table.rows]
    twin = [row.protocol_on(twin=True) for row in table.rows]
    assert [canonical_text("mlr-vru", text) for text in real] == [
        "vru-uniform4",
        *[f"vru-uniform4[train_ids={count}]" for count in (2830, 4245, 5660, 7085)],
    ]
    assert twin[0] == "vru-uniform4[train_ids=12]"
    assert twin[-1] == "vru-uniform4"  # all 60 identities of the twin
    published = table.published_value(table.rows[0], "mlr-vru", "mAP")
    assert published is not None
    assert published.value == 75.7
    assert len(table.published) == 2


def test_the_headline_gallery_may_be_that_of_the_protocol() -> None:
    table = load_table("protocols")
    rules = {text: table.rule(text) for text in table.protocols}
    assert rules["mlr-perid"] == rules["fixed-r"] == "single-shot"
    assert rules["mlr-official"] == rules["mlr-multi"] == "multi-shot"
    assert load_table("rates").rule("mlr-official") == "single-shot"


def test_a_users_table_is_given_by_path(path: Path) -> None:
    table = load_table(path)
    assert (table.gallery, table.title) == ("single-shot", "mine")
    assert table.published_value(table.rows[0], "caviar", "rank1") == table.published[0]
    assert table.published_value(table.rows[1], "caviar", "rank1") is None


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('id = "mine"', "", "id is missing"),
        ('id = "mine"', 'id = "../x"', "id '../x' must be"),
        ('id = "mine"', 'id = "mine"\ncolour = 1', "unknown entry 'colour'; known are id"),
        (
            '"caviar"',
            '"cavier"',
            "'cavier' (did you mean 'caviar'?); known are caviar",
        ),
        ('["caviar"]', "[]", "datasets is empty"),
        ('["caviar"]', '["caviar", "caviar"]', "datasets 'caviar' stands twice"),
        (
            '["rank1"]',
            '["rank3"]',
            "unknown metrics 'rank3' (did you mean",
        ),
        ("[0]", "[0, 0]", "seed 0 stands twice"),
        ("[0]", "[-1]", "seed -1 must be an integer from 0"),
        ("[0]", "0", "seeds must be a list, not 0"),
        ('"B"', '"A"', "label 'A' stands twice"),
        ('label = "B"\nmethod = "plain"', 'label = "B"\nmethod = "plane"', "row 2: unknown method"),
        ('label = "B"', 'label = "B"\noption = {}', "row 2: unknown entry 'option'"),
        ('label = "B"', "label = 2", "row 2: label must be text"),
        ('id = "mine"', 'id = "mine"\ngallery = "all"', "unknown gallery 'all'"),
        ('id = "mine"', "id = mine", "not valid TOML"),
        (
            "numbers.csv",
            "none.csv",
            "none.csv: not a readable list of published numbers",
        ),
        ('id = "mine"', 'id = "mine"\nreference = "C"', "reference 'C' is no label of its rows"),
        (
            'id = "mine"',
            'id = "mine"\nprotocols = ["mlr"]',
            "unknown protocol 'mlr'; known are mlr-sing",
        ),
        ('id = "mine"', 'id = "mine"\nprotocols = [1]', "protocol 1 must be a name"),
        (
            'id = "mine"',
            'id = "mine"\nprotocols = ["mlr-sing[rate=2]"]',
            "protocol mlr-sing: unknown option 'rate'",
        ),
        ('label = "B"', 'label = "B"\nprotocol = "fixed-r[rate=5]"', "rate is 1, 2, 3, 4, 6 or 8"),
        ('label = "B"', 'label = "B"\ntwin_protocol = "mlr-sing"', "twin_protocol stands for a"),
        (
            'published = "numbers.csv"\n[[rows]]',
            'gallery = "protocol"\n[[rows]]\nprotocol = "mlr-multi"',
            "where rows have protocols of their own",
        ),
        ('id = "mine"', 'id = "mine"\nprofile = "fast"', "unknown profile 'fast'"),
    ],
)
def test_each_mistake_gets_one_line(path: Path, old: str, new: str, words: str) -> None:
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        load_table(path)
    assert words in str(caught.value)
    assert str(path.parent) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("row,dataset", "rows,dataset", "the first line must be row,dataset,metric"),
        ("50.4", "fifty", "line 2: value 'fifty' must be a plain number of per cent"),
        ("50.4", "504", "line 2: value '504' must be a plain number of per cent"),
        (",paper Table 2", "", "line 2: has 4 fields; needs 5"),
        (",paper Table 2", ",", "line 2: source has 0 characters; give from 1"),
        ("50.4", "nan", "line 2: value 'nan' must be a plain number"),
        ("50.4", "1e1", "line 2: value '1e1' must be a plain number"),
        ("CAVIAR", "Caviarr", "unknown dataset 'Caviarr' (did you mean 'CAVIAR'?); known are"),
        ("rank1", "Rank-1", "unknown metric 'Rank-1' (did you mean 'rank1'?); known are rank1,"),
        ("A as", "a", "line 2: unknown row 'a printed' (did you mean 'A as printed'?); known"),
        ("\nA", "\nA as printed,caviar,rank1,1,x\nA", "line 3: A as printed, CAVIAR, rank1 stands"),
    ],
)
def test_published_numbers_are_checked(path: Path, old: str, new: str, words: str) -> None:
    (path.parent / "numbers.csv").write_text(NUMBERS.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        load_table(path)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "numbers",
    [
        NUMBERS.replace("CAVIAR", "caviar"),
        "\ufeff" + NUMBERS.replace("\n", "\r\n"),
        NUMBERS.replace(",", ";").replace("50.4", "50,4") + ";;;;\n",
    ],
)
def test_published_numbers_as_spreadsheets_write_them(path: Path, numbers: str) -> None:
    (path.parent / "numbers.csv").write_bytes(numbers.encode())
    table = load_table(path)
    published = table.published_value(table.rows[0], "caviar", "rank1")
    assert published is not None
    assert (published.value, published.source) == (50.4, "paper Table 2")


def test_unknown_tables_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        InputError,
        match=r"'table9' \(did you mean 'table\d'\?\); the built-in tables are ablations",
    ):
        load_table("table9")
    with pytest.raises(InputError, match="does not exist"):
        load_table(tmp_path / "none.toml")


def test_rows_by_label_published_name_or_number(path: Path) -> None:
    table = load_table(path)
    assert select_rows(table, None) == table.rows
    for name in ("A", "A as printed", "1"):
        assert select_rows(table, [name]) == table.rows[:1]
    assert select_rows(table, ["B", "A"]) == table.rows
    with pytest.raises(InputError, match="no row 'C'; its rows are 1 = A, 2 = B"):
        select_rows(table, ["C"])
