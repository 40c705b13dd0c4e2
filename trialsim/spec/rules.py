"""The rules an input file must keep, one name each.

A :class:`~trialsim.errors.Problem` quotes the rule that was broken. ``tests/invalid`` holds one file for
each rule, under the rule's name.
"""

from __future__ import annotations

from enum import StrEnum


class Rule(StrEnum):
    """A rule; its value is the sentence that the user reads."""

    # The file
    READABLE_FILE = "an input is a file that exists and can be read"
    UTF8 = "an input file is UTF-8 text"
    YAML_SYNTAX = "an input file is YAML 1.2"
    NO_TABS = "YAML indents with spaces, never with tabs"
    NOT_EMPTY_FILE = "an input file has contents"
    MAPPING = "an input file is a mapping of keys to values"
    DUPLICATE_KEY = "a key occurs once in its mapping"
    PLAIN_KEY = "a key is a plain word"
    NO_TAGS = "values carry no YAML tags"
    FILE_SIZE = "an input file has at most 100,000 values, aliases counted where they are used"
    OVERRIDE = "an override is KEY.KEY=VALUE and its path exists in the file"

    # The form
    KNOWN_KEY = "keys are those of the format"
    REQUIRED_KEY = "required keys are there"
    TYPE = "a value has the type that its key asks for"
    CHOICE = "a value is one of those listed"
    UNIT = "a value is a number in range, with its unit"
    RANGE = "a number lies in the range that makes sense"
    FORMAT_VERSION = "the file names the format's version: 1"
    NAME = "a name is letters, digits, dots, hyphens and underscores, and starts with a letter or digit"
    NOT_EMPTY = "a list or text that is written is not empty"
    NO_REPEATS = "an item occurs once in a list"
    DATE = "a date is YYYY-MM-DD"
    START_SYNTAX = "a start is `day N`, `T after X` or `with X`"
    START_DAY = "study day 1 is the day of randomisation and nothing is given before it"
    GIVE_IF_SYNTAX = "a condition is `X positive at day N`, or a `panel` or `marker` with its `day`"
    SCAN_SYNTAX = "scans are `every: T until T`, then `then: T`, or a list of `every` and `until`"

    # The protocol
    COHORT_FILE = "`cohort` is the path of a cohort file, from the protocol's own folder"
    KNOWN_AGENT = "an agent is in the agent library"
    KNOWN_REGIMEN = "a regimen is defined under `regimens`"
    REGIMEN_NAME = "a regimen is not called like an agent, since `after` could mean either"
    KNOWN_RULE = "dose rules are defined under `rules` or built in"
    KNOWN_GAIN = "`biology` scales known mechanisms"
    GAIN_ONCE = "`biology` scales a mechanism once"
    DOSE_UNIT = "a dose is in the unit that its agent takes"
    START_REFERENCE = "a start refers to a treatment that the same arm gives"
    CIRCULAR_START = "starts do not wait for each other"
    UNIQUE_ID = "the ids of an arm's orders differ"
    TWO_ARMS = "a trial has at least two arms"
    REFERENCE_ARM = "the reference arm of the analysis is one of the arms"
    RATIO_ARMS = "the randomisation ratio names every arm once"
    BLOCK_SIZE = "a block is a whole multiple of the ratio's sum"
    CATEGORY = "strata and subgroups are categorical traits"
    STRATIFIED_TEST = "a stratified test needs strata"
    RADIATION = "radiation is ordered in fractions, and only radiation"
    FIELD = "only radiation has a field"
    DAYS_ON = "the days on treatment fit within a cycle"
    CYCLES = "`cycles` and `every` come together"
    PLATELET_RULE = "platelet rules are for agents that act on platelets"
    RULE_THRESHOLDS = "treatment resumes at or above the count at which it is held"
    KNOWN_MARKER = "biomarkers are defined under `biomarkers` or shipped, and panels under `panels`"
    MARKER_FORM = "a biomarker has `sensitivity` and `specificity`, or `noise` and perhaps `cutoff`"
    MARKER_MEASURE = "a new biomarker says what it measures, and from which `threshold` on the truth is positive"
    PANEL_NAME = "a panel is not called like a biomarker, since `give_if` could mean either"
    PANEL_RULE = "a panel is positive if `all`, `any` or `at least N` of its biomarkers are"
    GIVE_IF_DAY = "what decides on an order is measured on the day of its first dose or before"
    PATIENTS = "there is at least one patient for each arm"
    SCAN_ORDER = "scan periods follow each other"
    TIMELINE = "treatment ends within 200 years"

    # The cohort
    ALL_TRAITS = "a cohort gives every trait"
    KNOWN_TRAIT = "traits are those of the model"
    TRAIT_SHAPE = "a trait has `value`, `distribution` or `by`"
    TRAIT_KIND = "a numeric trait has a numeric distribution, a category has levels"
    PARAMETERS = "a distribution has the parameters of its kind"
    SOURCED = "every number says where it comes from and how far to trust it"
    PROBABILITIES = "the probabilities of a category sum to 1"
    KNOWN_LEVEL = "levels are those of the trait"
    EVERY_CASE = "`cases` has one entry for every level of the trait after `by`"
    BY_CATEGORY = "`by` names a categorical trait"
    BY_CYCLE = "traits do not depend on each other in a circle"
    SUPPORT = "a distribution stays where its trait can be"
    TRUNCATION = "`min` is below `max` and they keep a fair part of the distribution"
    CORRELATION = "correlations join two different numeric traits and form a positive definite matrix"
