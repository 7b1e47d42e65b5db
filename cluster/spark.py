"""Spark as the engine: its executors run the tasks. Tasks and receipts travel as texts, and no customer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from vipreco.engines import Engine, Receipt, Task, receipt_of, run_text, text_of, thread_variables
from vipreco.errors import DependencyDownError

NAME = "vipreco"


class SparkEngine(Engine):
    """Runs tasks on the executors of the session that `spark-submit` made, or of a new one.

    The storage must be one that driver and executors reach under the same address, and the executors need
    this version of vipreco. Spark runs a task again whose executor died; a part that was finished stays.
    """

    def execute(self, tasks: Sequence[Task]) -> Iterator[Receipt]:
        """Run tasks, and give their receipts once all are done.

        Raises:
            VipRecoError: Whatever a job raises.
            DependencyDownError: The cluster gave a task up.
        """
        if not tasks:
            return
        texts = [text_of(task) for task in tasks]
        try:
            found = self._session().sparkContext.parallelize(texts, len(texts)).map(run_text).collect()
        except Py4JJavaError as error:
            raise DependencyDownError(
                "the cluster gave a task up",
                where="Spark",
                remedy="read the log of the driver; run the command again: finished parts stay",
                code="spark",
                examples=str(error.java_exception).splitlines()[:3],
            ) from error
        yield from map(receipt_of, found)

    def _session(self) -> SparkSession:
        builder = SparkSession.builder.appName(NAME)
        for name, value in thread_variables(self.threads).items():
            builder = builder.config(f"spark.executorEnv.{name}", value)
        return builder.getOrCreate()
