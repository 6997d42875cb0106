"""From a checkout of an NTIRE Efficient-SR repository to submissions. Reads its code as text and never runs it."""

from rtsr_bench.submissions.ntire_esr.reading import Entry, read_entries
from rtsr_bench.submissions.ntire_esr.writing import Imported, import_entries

__all__ = ["Entry", "Imported", "import_entries", "read_entries"]
