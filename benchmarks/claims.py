"""What the literature says of the protocols that ship, as data: who should do better than whom, and by whose word.

Sources that were quoted from memory say `recalled`. A direction is of days without relapse: `longer`, `shorter`,
`none` where the source found no effect, or `less` than another gain, where the source compared.
"""

from __future__ import annotations

from dataclasses import dataclass

LONGER, SHORTER, NONE, LESS = "longer", "shorter", "none", "less"


@dataclass(frozen=True)
class Switch:
    """The same trial with something switched off, which tells what an effect goes through."""

    words: str
    set: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gain:
    """Days that an arm gains over another, perhaps with something set."""

    arm: str
    against: str
    under: Switch | None = None

    @property
    def set(self) -> tuple[str, ...]:
        """What is set for it."""
        return self.under.set if self.under is not None else ()


@dataclass(frozen=True)
class Claim:
    """An arm against another, in which direction, and who says so."""

    arm: str
    against: str
    direction: str
    says: str
    source: str
    under: Switch | None = None
    """What is to be switched off for the source's conditions to hold."""
    than: Gain | None = None
    """What `less` is less than."""

    @property
    def gain(self) -> Gain:
        return Gain(self.arm, self.against, self.under)


@dataclass(frozen=True)
class Case:
    """A protocol with its claims, what is switched off to explain it, and the explanation in words."""

    protocol: str
    claims: tuple[Claim, ...]
    switches: tuple[Switch, ...] = ()
    why: str = ""
    patients: int = 40_000
    """So many that half a day shows."""


#: What changes navitoclax alone begins so.
OF_NAVITOCLAX = "agents.navitoclax."
_CYCLING, _HOST = f"{OF_NAVITOCLAX}cycling_effect=0.017", f"{OF_NAVITOCLAX}host_effect=0"
TUMOUR_ALONE = Switch("navitoclax spares the host's stroma", (_HOST,))
_BY_INDUCER = f"{OF_NAVITOCLAX}effect_by_inducer."
_PALBOCICLIB = f"{_BY_INDUCER}cell_cycle=1"
SPARING = (
    TUMOUR_ALONE,
    Switch("navitoclax also kills 2 % of cycling cells in a course", (_CYCLING,)),
)
ONLY_TREATMENT = Switch(
    "it spares the stroma, and only treatment makes senescent cells",
    (
        *TUMOUR_ALONE.set,
        "biology.spontaneous_senescence=0",
        "biology.sasp.arrest=0",
        "biology.host_senescence=0",
    ),
)

_MICE = "Shahbandi 2020 Cell Death Differ; Saleh 2020 Mol Oncol (mice)"
_SMALL = (
    "The direction is the source's; the size is hardly a day, for three reasons. Most relapses are of tumours that "
    "chemotherapy did not reach, or of cycling cells that it left, and there is no escape to prevent. The senolytic "
    "comes late: cells that the first cycle made senescent have had weeks or months to escape before it "
    "([schedules.md](../schedules.md)). And senescent cells hold their neighbours back and call for clearance, which "
    "ends with them. How much there is to prevent hangs on the escape rate, known to two orders of magnitude "
    "(`--set biology.escape=10`). What navitoclax does to dividing cells weighs more than all of this: the source saw "
    "nothing, and does not exclude 10 % in a course; the last row tells what 2 % would do."
)

CASES = (
    Case(
        "biomarker-guided-navitoclax",
        (
            Claim("navitoclax-all", "control", LONGER, "Navitoclax after chemotherapy delays relapse", _MICE),
            Claim(
                "navitoclax-guided",
                "control",
                LONGER,
                "So it does in those who need it",
                "no trial of guided dosing is known; the same, for those whose panel is positive",
            ),
        ),
        SPARING,
        "No trial of guided dosing is known; the second claim is the first one's, for those whose panel is positive. "
        "The guided arm gives up what navitoclax does in all others, to their stroma above all, and what is left "
        "cannot be told from none. " + _SMALL,
    ),
    Case(
        "breast-adjuvant-navitoclax",
        (Claim("navitoclax", "control", LONGER, "Navitoclax after chemotherapy delays relapse", _MICE),),
        SPARING,
        _SMALL,
    ),
    Case(
        "breast-palbociclib-navitoclax",
        (
            Claim(
                "navitoclax",
                "control",
                LESS,
                "Senescence by CDK4/6 inhibitors answers less to navitoclax than that of DNA damage",
                "Jochems 2021; Wang B 2022 EMBO J (cell lines)",
                than=Gain(
                    "navitoclax",
                    "control",
                    Switch("palbociclib's cells answer as those of DNA damage do", (_PALBOCICLIB,)),
                ),
            ),
        ),
        (
            Switch("navitoclax spares palbociclib's cells", (f"{_BY_INDUCER}cell_cycle=0",)),
            Switch("navitoclax spares letrozole's cells", (f"{_BY_INDUCER}endocrine=0",)),
            *SPARING,
            ONLY_TREATMENT,
        ),
        "The source speaks of palbociclib's senescent cells, of which navitoclax kills 15 % in a course (0 to 50). Six "
        "courses add up, and the trial has other senescent cells too: letrozole's, which are taken to answer as those "
        "of castration do; those that arose without treatment; and the host's stroma. The table tells how much is "
        "left of the effect as each is spared. So little is expected here, not nothing: the claim is that navitoclax "
        "gains less than it would if palbociclib's cells answered as those of chemotherapy do.",
        patients=20_000,
    ),
    Case(
        "breast-senomorphics",
        (
            Claim(
                "selective",
                "broad",
                LONGER,
                "A broad senomorphic also takes the good side of the secretome: to block single factors could do more",
                "Song 2023 (review); Choi 2021 Adv Sci (mice)",
            ),
            Claim(
                "selective",
                "control",
                LONGER,
                "Neutralising CXCL12 and CSF1 lets T cells in",
                "Choi 2021 Adv Sci (mice)",
            ),
        ),
        (
            Switch("the secretome does not hold immune killing down", ("biology.sasp.immune=0",)),
            Switch(
                "the secretome arrests no neighbours and calls for no clearance",
                ("biology.sasp.arrest=0", "biology.sasp.clearance=0"),
            ),
        ),
        "Without the shelter (first row) there is nothing for the antibodies to take away. Without the secretome's "
        "good side (second row) the broad inhibitor has nothing to spoil.",
    ),
    Case(
        "colorectal-cxcl12-csf1-anti-pd-1",
        (
            Claim(
                "triple",
                "anti-pd-1",
                LONGER,
                "Neutralising CXCL12 and CSF1 makes anti-PD-1 work better",
                "Choi 2021 Adv Sci 8:2002497 (mice)",
            ),
            Claim("triple", "neutralised", LONGER, "The combination is the best", "Choi 2021 Adv Sci 8:2002497 (mice)"),
        ),
        (Switch("the secretome does not hold immune killing down", ("biology.sasp.immune=0",)),),
        "The antibodies work through immune killing alone: with its suppression switched off their effect is gone, and "
        "that of anti-PD-1 stays.",
    ),
    Case(
        "first-trial",
        (Claim("senolytic", "control", LONGER, "Navitoclax after chemotherapy delays relapse", _MICE),),
        SPARING,
        _SMALL,
    ),
    Case(
        "glioblastoma-f3-inhibitor",
        (
            Claim(
                "f3-inhibitor",
                "control",
                LONGER,
                "Blocking F3 after radiation impedes relapse",
                "Jeon 2023 Cancer Cell 41:1480 (mice)",
            ),
        ),
        (Switch("senescent cells have no F3 state", ("biology.sasp.f3=0",)),),
        "Nearly all patients relapse either way, within months, and most of them of cells that were never senescent. "
        "F3 raises what radiation's senescent cells secrete, and the secretome changes growth a little. Without the F3 "
        "state there is nothing to inhibit.",
    ),
    Case(
        "lymphoma-r-chop-navitoclax",
        (
            Claim(
                "navitoclax",
                "control",
                LONGER,
                "Lymphoma cells that have been senescent start tumours more readily; "
                "to kill them while they are senescent should delay relapse",
                "Milanovic 2018 Nature 553:96 (mice; the first half was shown, the second follows)",
            ),
        ),
        SPARING,
        "Here the senolytic comes early: ten days after the first cycle and after each of the others, when cells are "
        "ripe and few have escaped. So of all these protocols it prevents the most escape (causes above), and an "
        "effect is left where it kills senescent tumour cells alone. That a one-two punch within chemotherapy does "
        "more than a course after it is what [schedules.md](../schedules.md) finds too.",
    ),
    Case(
        "navitoclax-start",
        (
            Claim("after-7", "control", LONGER, "Navitoclax after chemotherapy delays relapse", _MICE),
            Claim(
                "before",
                "control",
                NONE,
                "Navitoclax before chemotherapy does nothing",
                "Shahbandi 2020 Cell Death Differ (cell lines, mice)",
                under=ONLY_TREATMENT,
            ),
            Claim(
                "before",
                "control",
                LESS,
                "It is what chemotherapy makes senescent that it should kill",
                "Shahbandi 2020 Cell Death Differ (cell lines, mice)",
                than=Gain("after-7", "control"),
            ),
        ),
        (*SPARING, ONLY_TREATMENT),
        "Before chemotherapy there are senescent cells already: in the stroma, and in tumours those that arrested "
        "without treatment. The source had neither, so its claim of no effect is judged without them; as the patients "
        "are, it is held against what navitoclax gains after chemotherapy. [schedules.md](../schedules.md) goes "
        "through more times.",
    ),
    Case(
        "nsclc-chemoradiation-navitoclax",
        (
            Claim(
                "navitoclax",
                "control",
                LONGER,
                "A senolytic after chemotherapy keeps tumours small for long",
                "Saleh 2020 Mol Oncol (A549 in mice)",
            ),
        ),
        SPARING,
        _SMALL,
    ),
    Case(
        "prostate-antiandrogen-navitoclax",
        (
            Claim(
                "bicalutamide-navitoclax",
                "bicalutamide",
                LONGER,
                "Senescence by androgen deprivation answers to navitoclax",
                "Carpenter 2021 Biochem Pharmacol (castration and bicalutamide; mice, cell lines)",
            ),
            Claim(
                "enzalutamide-navitoclax",
                "enzalutamide",
                NONE,
                "Senescence by enzalutamide does not",
                "Malaquin 2020 Cells 9:1593 (cell lines)",
                under=ONLY_TREATMENT,
            ),
            Claim(
                "enzalutamide-navitoclax",
                "enzalutamide",
                LESS,
                "So a senolytic does less after enzalutamide than after bicalutamide",
                "Song 2023 (review), of both",
                than=Gain("bicalutamide-navitoclax", "bicalutamide"),
            ),
            Claim(
                "enzalutamide",
                "bicalutamide",
                LONGER,
                "Enzalutamide holds prostate cancer longer than bicalutamide",
                "recalled: the STRIVE and TERRAIN trials (castration-resistant disease, treated until progression)",
            ),
        ),
        (
            *SPARING,
            ONLY_TREATMENT,
            Switch("senescence does not revert", ("biology.reversal=0",)),
            Switch(
                "both antiandrogens stop after twelve months",
                tuple(f"regimens.{drug}-daily.0.until=day 364" for drug in ("bicalutamide", "enzalutamide")),
            ),
        ),
        "In the patient there are other senescent cells than the antiandrogen's: the stroma's, and those that arrested "
        "without treatment. The source of the second claim had neither, so it is judged without them.\n\n"
        "Both drugs are given until progression, as in the trials that the last claim is taken from and in that of the "
        "cohort. That is essential to it. Stopped after twelve months, enzalutamide does worse than bicalutamide (last "
        "row): its senescent cells return to the cycle when it stops, and five years are long enough to see it.",
        patients=20_000,
    ),
    Case(
        "prostate-docetaxel-ruxolitinib",
        (
            Claim(
                "both",
                "docetaxel",
                LONGER,
                "A JAK inhibitor improves the efficacy of docetaxel through the immune system",
                "Toso 2014 Cell Rep 9:75 (mice)",
            ),
        ),
        (Switch("the secretome does not hold immune killing down", ("biology.sasp.immune=0",)),),
        "The source's way is through the immune system. What is left with the suppression of immune killing switched "
        "off goes another way: through growth, seeding and waking, which the inhibitor damps too.",
    ),
)
