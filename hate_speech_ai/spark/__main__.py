"""`python -m hate_speech_ai.spark`: see docs/command-line.md."""

import argparse
import os
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hate_speech_ai.cli import Parser, main
from hate_speech_ai.cli.arguments import UsageError
from hate_speech_ai.cli.model_files import Model, labels_of, load_model
from hate_speech_ai.labels import HATE_SPEECH

_FORMATS = {".parquet": "parquet", ".csv": "csv", ".json": "json", ".jsonl": "json", ".ndjson": "json"}
# Quotes as in every other CSV file of this project, and a text may have lines.
_CSV = {"header": True, "multiLine": True, "escape": '"'}


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    parser = Parser(prog="python -m hate_speech_ai.spark", description="Judge a lake of tweets.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    score = commands.add_parser("score", help="add columns with a model's answers to Parquet, CSV or JSON lines")
    score.add_argument(
        "input", metavar="INPUT", help="a file or a folder, as Spark names it: s3a://lake/tweets.parquet"
    )
    score.add_argument("output", metavar="OUTPUT", help="a folder that is not there yet")
    score.add_argument("--model", type=Path, required=True, metavar="FILE", help="a model that `train` wrote")
    score.add_argument("--column", default="tweet", metavar="NAME", help="with the text (tweet)")
    score.add_argument("--label", action="append", metavar="LABEL", help=f"of the model ({HATE_SPEECH}); several times")
    score.add_argument(
        "--format", choices=sorted(set(_FORMATS.values())), help="of INPUT and OUTPUT (by INPUT's ending)"
    )
    score.add_argument(
        "--checkpoint", metavar="FOLDER", help="judge only files that are new since the last time with this folder"
    )
    score.set_defaults(run=run)
    return parser


def run(options: argparse.Namespace) -> None:
    if find_spec("pyspark") is None:
        raise UsageError("Spark is not installed; install it with: pip install -r requirements-spark.txt")
    if shutil.which("java") is None:
        raise UsageError("Spark needs Java 17 or newer; on Debian: apt-get install openjdk-17-jre-headless")
    form = options.format or _FORMATS.get(Path(options.input).suffix.lower())
    if form is None:
        raise UsageError(f"--format: {options.input} has no ending that says it; give parquet, csv or json")
    model = load_model(options.model)
    if model.encoder is not None:
        raise UsageError(f"--model: {options.model} looks through the encoder, which Spark has not; give another")
    labels = labels_of(model, options.label, default=[HATE_SPEECH])
    with tempfile.TemporaryDirectory() as folder:
        _score(options, form, model, labels, packed(Path(folder)))


def packed(folder: Path) -> str:
    """Return a zip file with this package, for the machines that have not got it."""
    root = Path(__file__).resolve().parents[2]
    return shutil.make_archive(str(folder / "hate_speech_ai"), "zip", root, "hate_speech_ai")


def _score(options: argparse.Namespace, form: str, model: Model, labels: list[str], package: str) -> None:
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession
    from pyspark.sql.types import BooleanType, DoubleType, StringType, StructField, StructType

    from hate_speech_ai.spark.scoring import scoring

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # else some python3, which may lack what is needed
    spark = SparkSession.builder.appName("hate_speech_ai").getOrCreate()
    try:
        spark.sparkContext.addPyFile(package)
        read_options: dict[str, Any] = _CSV if form == "csv" else {}
        rows = spark.read.format(form).options(**read_options).load(options.input)
        added = [one for label in labels for one in ((label, DoubleType), (f"{label}_flagged", BooleanType))]
        if options.column not in rows.columns or not isinstance(rows.schema[options.column].dataType, StringType):
            known = ", ".join(rows.columns)
            raise UsageError(f"--column: {options.input} has no text column {options.column!r}; it has {known}")
        if taken := sorted({name for name, _ in added} & set(rows.columns)):
            raise UsageError(f"--label: {options.input} has a column {taken[0]!r} already; rename it")
        schema = StructType([*rows.schema.fields, *(StructField(name, kind()) for name, kind in added)])
        if options.checkpoint:
            stream = spark.readStream.format(form).options(**read_options).schema(rows.schema)
            rows = stream.load(options.input)
        content = spark.sparkContext.broadcast(options.model.read_bytes())
        answered = rows.mapInArrow(scoring(content, options.column, labels), schema)
        write_options: dict[str, Any] = {"header": True, "escape": '"'} if form == "csv" else {}
        if options.checkpoint:
            writing = answered.writeStream.format(form).options(**write_options, checkpointLocation=options.checkpoint)
            writing.trigger(availableNow=True).start(options.output).awaitTermination()
        else:
            answered.write.format(form).options(**write_options).save(options.output)
    except PySparkException as error:
        raise UsageError(str(error).partition("\n")[0][:500]) from error
    finally:
        spark.stop()


if __name__ == "__main__":
    sys.exit(main(parser=parser()))
