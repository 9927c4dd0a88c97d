"""The table of where the time goes, from a roofline whose figures are known."""

from __future__ import annotations

import msgspec
from made_measurements import made

from vtbench.data.measurement import Roofline, StageShare
from vtbench.report import render
from vtbench.report.measured import measured_document
from vtbench.report.roofline import stages_table


def stage(name, seconds, macs, nbytes, used):
    return StageShare(stage=name, seconds=seconds, macs=macs, bytes=nbytes, utilisation=used)


ROOF = Roofline(
    macs_per_second=8e9,
    bytes_per_second=1e9,
    ceiling_macs_per_second=16e9,
    ceiling_bytes_per_second=4e9,
    bound="arithmetic",
    stages=(
        stage("stem", 0.010, 20_000_000, 3_000_000, 0.125),
        stage("body", 0.030, 380_000_000, 45_000_000, 0.792),
        stage("(other)", 0.010, 0, 0, 0.0),
    ),
)


WHOLE = (
    "resnet34 reaches 50.0 % of 16.0 GMAC/s (products of square matrices) and 25.0 % of "
    "4.00 GB/s (a copy); arithmetic limits its speed."
)


def test_time_stands_beside_macs():
    table = stages_table(made(seconds=0.045, roofline=ROOF))
    assert table.title == "resnet34: where the time goes"
    heads = [column.head for column in table.columns]
    rows = [dict(zip(heads, row, strict=True)) for row in table.rows]
    assert [row["Time"] for row in rows] == ["20.0 %", "60.0 %", "20.0 %"]  # of 50 ms
    assert [row["MACs"] for row in rows] == ["5.0 %", "95.0 %", "0.0 %"]  # of 400 M
    # 20 % of the time over 5 % of the MACs; 60 % over 95 %
    assert [row["Time per MAC"] for row in rows] == ["4.00×", "0.63×", "—"]
    assert [row["Util."] for row in rows] == ["12.5 %", "79.2 %", "—"]
    assert [row["ms/step"] for row in rows] == ["10.0", "30.0", "10.0"]
    assert table.notes == (
        (
            "The sum of the stages is 50.0 ms, timed in a separate pass with hooks; "
            "the model takes 45.0 ms, as measured above."
        ),
        WHOLE,
        "(other): work outside of all stages, including Python between them.",
    )


def test_a_model_that_was_the_ceiling_itself_says_so_and_the_maker_has_a_word():
    roof = msgspec.structs.replace(ROOF, datasheet_macs_per_second=80e9)
    record = made(roofline=roof, environment={"ceiling_source": "resnet18"})
    notes = stages_table(record).notes
    assert "resnet18 itself, faster than products of square matrices" in notes[1]
    assert notes[2] == "This is 10.0 % of the 80.0 GMAC/s in the datasheet."


def test_without_stages_or_ceilings_nothing_is_made_up():
    assert stages_table(made()) is None
    assert stages_table(made(roofline=msgspec.structs.replace(ROOF, stages=()))) is None
    bare = msgspec.structs.replace(ROOF, ceiling_macs_per_second=None, bound=None)
    assert len(stages_table(made(roofline=bare)).notes) == 2


def test_it_stands_below_the_table_of_throughputs():
    text = measured_document([made(roofline=ROOF), made("vt_r34")])
    assert text.index("Throughput") < text.index("resnet34: where the time goes")
    assert "vt_r34: where" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_it_fits_a_page():
    lines = render([stages_table(made(roofline=ROOF))], "table", width=80).splitlines()
    assert max(map(len, lines)) <= 80
    assert "4.00×" in render([stages_table(made(roofline=ROOF))], "markdown")


def divided(*stages, by="block"):
    return made(roofline=msgspec.structs.replace(ROOF, stages=stages, by=by))


def test_blocks_stand_in_stages_and_rows_of_nothing_are_hidden():
    table = stages_table(
        divided(
            stage("layers.0", 0.002, 0, 0, None),
            stage("layers.1", 0.003, 5, 5, 0.1),
            stage("layers.0.blocks.0", 0.010, 20, 3, 0.1),
            stage("layers.1.blocks.0", 0.010, 20, 3, 0.1),
        )
    )
    assert table.columns[0].head == "Block"
    assert [row[0] for row in table.rows] == [
        "layers.1 (own)", "layers.0.blocks.0", "layers.1.blocks.0",
    ]  # fmt: skip
    assert table.notes[0].startswith("The sum of the blocks is 25.0 ms")
    assert table.notes[1] == "1 block with neither MACs nor bytes is not shown and takes 2.00 ms."


def test_why_none_was_timed_is_said():
    assert "no class of modules" in stages_table(divided()).notes[0]
    work = msgspec.structs.replace(made().workload, backward=True)
    record = msgspec.structs.replace(divided(by="stage"), workload=work)
    assert "call no modules" in stages_table(record).notes[0]
