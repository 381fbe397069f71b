"""What the tests of play logs share."""

import pyarrow as pa
import pyarrow.parquet as pq


def rows(found):
    return list(found.plays.itertuples(index=False, name=None))


def parquet(**columns):
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()
