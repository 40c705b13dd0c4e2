"""The report: saved results in, one self-contained HTML page or plain text out."""

from trialsim.report.describe import describe_protocol
from trialsim.report.page import analyse_page, build_report, write_report
from trialsim.report.story import story_text

__all__ = ["analyse_page", "build_report", "describe_protocol", "story_text", "write_report"]
