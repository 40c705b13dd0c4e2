"""What the literature says of the protocols that ship, as data: who should do better than whom, and by whose word.

Sources that were quoted from memory say `recalled`. A direction is of days without relapse: `longer`, `shorter`, or
`none` where the source found no effect.
"""

from __future__ import annotations

from dataclasses import dataclass

LONGER, SHORTER, NONE = "longer", "shorter", "none"


@dataclass(frozen=True)
class Claim:
    """An arm against another, in which direction, and who says so."""

    arm: str
    against: str
    direction: str
    says: str
    source: str


@dataclass(frozen=True)
class Switch:
    """The same trial with something switched off, which tells what an effect goes through."""

    words: str
    set: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """A protocol with its claims, what is switched off to explain it, and the explanation in words."""

    protocol: str
    claims: tuple[Claim, ...]
    switches: tuple[Switch, ...] = ()
    why: str = ""


#: What takes navitoclax alone away from some cells begins so.
OF_NAVITOCLAX = "agents.navitoclax."
_CYCLING, _HOST = f"{OF_NAVITOCLAX}cycling_effect=0", f"{OF_NAVITOCLAX}host_effect=0"
TUMOUR_ALONE = Switch("navitoclax kills senescent tumour cells alone", (_CYCLING, _HOST))
SPARING = (
    Switch("navitoclax spares cycling cells", (_CYCLING,)),
    Switch("navitoclax spares the host's stroma", (_HOST,)),
    TUMOUR_ALONE,
)
ONLY_TREATMENT = Switch(
    "the same, and only treatment makes senescent cells",
    (
        *TUMOUR_ALONE.set,
        "biology.spontaneous_senescence=0",
        "biology.sasp.arrest=0",
        "biology.host_senescence=0",
    ),
)

_MICE = "Shahbandi 2020 Cell Death Differ; Saleh 2020 Mol Oncol (mice)"
_SMALL = (
    "The direction is the source's, most of the days are not. Navitoclax kills a few cycling cells too (2 % in a "
    "course by the library's central value, 0 to 10; the source saw none), which delays growth whenever it is given: "
    "the table below tells how much is left where it kills senescent tumour cells alone. That is little, for three "
    "reasons. Most relapses are of tumours that chemotherapy did not reach, or of cycling cells that it left, and "
    "there is no escape to prevent. The senolytic comes late: cells that the first cycle made senescent have had weeks "
    "or months to escape before it ([schedules.md](../schedules.md)). And senescent cells hold their neighbours back "
    "and call for clearance, which ends with them. How much there is to prevent hangs on the escape rate, known to two "
    "orders of magnitude (`--set biology.escape=10`)."
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
        "The guided arm gives up what navitoclax does in patients whose panel is negative. " + _SMALL,
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
                NONE,
                "Senescence by CDK4/6 inhibitors hardly answers to navitoclax",
                "Jochems 2021; Wang B 2022 EMBO J (cell lines)",
            ),
        ),
        (*SPARING, ONLY_TREATMENT),
        "The source speaks of palbociclib's senescent cells. In this trial there are others: letrozole's, which are "
        "taken to answer as those of castration do; those that arose without treatment; and the host's senescent "
        "stroma, whose clearance helps the immune system with all the rest. The table tells how much is left of the "
        "effect as these are taken away, one after the other; letrozole's are in every row. Palbociclib's own "
        "cells are killed at a small part of the rate of others, as the source says (`trialsim agents navitoclax`). "
        "The protocol is set up as such a trial would be, so it stays.",
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
                "Navitoclax does nothing to cells that are not senescent",
                "Shahbandi 2020 Cell Death Differ (cell lines, mice)",
            ),
        ),
        (*SPARING, ONLY_TREATMENT),
        "Before chemotherapy navitoclax finds three things to act on. The library's central value for cycling cells is "
        "2 % killed in a course (0 to 10; the source saw none), which delays growth by days whenever it is given. "
        "Senescent stroma is there before treatment, and to clear it helps the immune system. And tumours hold cells "
        "that turned senescent without treatment. With all three taken away nothing is left before chemotherapy, and "
        "an effect after it: the last row. [schedules.md](../schedules.md) goes through more times.",
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
        ),
        "In the dish the model agrees with the source: navitoclax kills next to none of enzalutamide's senescent cells "
        "([M5](../mechanisms.md)). In the patient it also clears senescent stroma, and the immune system that has less "
        "of it to clear clears the tumour's senescent cells the faster, whatever made them so. Enzalutamide leaves "
        "many, which would otherwise return to the cycle when it stops, so there is much to gain. With the stroma "
        "spared nearly all of it is gone. That stroma matters in this way to a prostate is an assumption of the model "
        "(Karin 2019 is about the skin, lung and liver of mice), and the first thing to doubt here.\n\n"
        "That enzalutamide does worse than bicalutamide is a matter of what follows the twelve months, not of dose: "
        "its senescent cells revert. In the trials that the source speaks of, treatment went on until progression. "
        "With reversal switched off enzalutamide is the better one by far.",
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
