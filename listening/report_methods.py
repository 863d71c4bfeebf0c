"""The methods paragraph of a paper, with its references, and the checklist of BS.1534-3 §10.2.

A paragraph says what this program did to these ratings; it is meant to be taken over.
"""

from __future__ import annotations

from functools import singledispatch

from listening.analysis import report
from listening.analysis.choices import CategoryAnalysis, PreferenceAnalysis
from listening.analysis.comparison import Comparison
from listening.analysis.grades import DifferenceAnalysis
from listening.analysis.opinions import OpinionAnalysis
from listening.analysis.results import Analysis
from listening.analysis.screening import TITLES
from listening.report_sections import Section, Table

REFERENCES = {
    "Barr et al. 2013": "Barr, D. J., Levy, R., Scheepers, C., Tily, H. J. Random effects structure for confirmatory "
    "hypothesis testing: keep it maximal. J. Mem. Lang. 68 (2013).",
    "Bates et al. 2015": "Bates, D., Mächler, M., Bolker, B., Walker, S. Fitting linear mixed-effects models using "
    "lme4. J. Stat. Softw. 67(1) (2015).",
    "Kuznetsova et al. 2017": "Kuznetsova, A., Brockhoff, P. B., Christensen, R. H. B. lmerTest package: tests in "
    "linear mixed effects models. J. Stat. Softw. 82(13) (2017).",
    "Holm 1979": "Holm, S. A simple sequentially rejective multiple test procedure. Scand. J. Stat. 6 (1979).",
    "ITU-R BS.1534-3": "Rec. ITU-R BS.1534-3. Method for the subjective assessment of intermediate quality level of "
    "audio systems (2015).",
    "ITU-R BS.1116-3": "Rec. ITU-R BS.1116-3. Methods for the subjective assessment of small impairments in audio "
    "systems (2015).",
    "ITU-T P.910": "Rec. ITU-T P.910. Subjective video quality assessment methods for multimedia applications (2023).",
    "Clopper & Pearson 1934": "Clopper, C. J., Pearson, E. S. The use of confidence or fiducial limits illustrated in "
    "the case of the binomial. Biometrika 26 (1934).",
    "Macmillan & Creelman 2005": "Macmillan, N. A., Creelman, C. D. Detection Theory: A User's Guide, 2nd ed. (2005).",
    "Wald 1945": "Wald, A. Sequential tests of statistical hypotheses. Ann. Math. Stat. 16 (1945).",
    "Bradley & Terry 1952": "Bradley, R. A., Terry, M. E. Rank analysis of incomplete block designs: I. The method of "
    "paired comparisons. Biometrika 39 (1952).",
    "Davidson 1970": "Davidson, R. R. On extending the Bradley-Terry model to accommodate ties in paired comparison "
    "experiments. J. Am. Stat. Assoc. 65 (1970).",
    "ITU-T P.800": "Rec. ITU-T P.800. Methods for subjective determination of transmission quality (1996).",
}
# §10.2's points, and where this report holds them; None: it is not in the record
MATERIAL = "Excerpts, conditions and anchors"
CHECKLIST = (
    ("Rationale of the study", None),
    ("The results as graphs", "Results"),
    (
        "The screening as a graph; which experienced assessors were selected",
        "Screening; Listeners; their selection and experience are to be stated",
    ),
    ("The experimental design", "Design and procedure"),
    ("The test material and its selection", f"{MATERIAL}; its selection is to be stated"),
    ("The systems that processed the material", f"{MATERIAL}: versions and hashes"),
    (
        "The channel configuration; loudspeaker and listening positions that BS.775 does not specify",
        None,
    ),
    (
        "Listening environment and equipment: room dimensions and acoustics, transducers and their placement, "
        "electrical equipment",
        None,
    ),
    (
        "Whether BS.1116's distances, room and loudspeaker requirements were met; deviations, and how early "
        "reflections were controlled",
        None,
    ),
    ("Room responses and impulse responses of all loudspeakers; any equalisation", None),
    (
        "Training, instructions, sequences, test procedures, how the data were generated",
        "Design and procedure; Record",
    ),
    ("Processing of the data, descriptive and inferential statistics", "Results; Statistics"),
    ("Post-screening of outliers and untrained listeners", "Screening"),
    ("Detailed basis of all conclusions", "Conclusions and their basis"),
)
OF_ANCHORS = (
    ("That the anchors were used", MATERIAL),
    ("Which revision of BS.1534 was followed, and its anchors", f"BS.1534-3; {MATERIAL}"),
    ("Definition and code of any anchor that the Recommendation does not describe", MATERIAL),
)


def methods_section(analysis: Analysis) -> Section:
    """How the figures were computed: a paragraph for a paper, its references, and every figure by its name."""
    text, cited = paragraph(analysis)
    kept = analysis.screening
    rule = TITLES[kept.rule]
    screened = (
        f"Of {len(kept.decisions)} listeners {len(kept.excluded)} were excluded by {rule}. "
        if kept.rule != "none"
        else "No listeners were excluded. "
    )
    rows = [[name, words] for name, words in analysis.methods.items()]
    references = [[name, REFERENCES[name]] for name in cited]
    return Section(
        "Statistics",
        [screened + text],
        [
            Table("References of this paragraph.", ["", ""], references),
            Table("How the figures are computed.", ["Figure", "Method"], rows),
        ],
    )


def checklist(*, anchors: bool) -> Section:
    """Of a method that has BS.1534's `anchors`, or of another, whose report its general points serve as well."""
    points = (*CHECKLIST, *(OF_ANCHORS if anchors else ()))
    rows = [[point, where or "not in the record: to be stated"] for point, where in points]
    of = "of" if anchors else "after"
    return Section(
        f"Checklist {of} BS.1534-3 §10.2",
        [],
        [Table("What a report should contain, and where it is here.", ["Point", "Where"], rows)],
    )


@singledispatch
def paragraph(analysis: Analysis) -> tuple[str, list[str]]:
    """The sentences on one kind of analysis, and the keys of what they cite."""
    raise NotImplementedError(
        f"expected an analysis with a paragraph, found {type(analysis).__name__}"
    )


@paragraph.register
def _(analysis: report.MushraAnalysis) -> tuple[str, list[str]]:
    text, cited = _compared(analysis.comparison)
    return text, [*cited, "ITU-R BS.1534-3"]


@paragraph.register
def _(analysis: DifferenceAnalysis) -> tuple[str, list[str]]:
    text, cited = _compared(analysis.comparison)
    first = "Grades of systems were taken less those of the hidden reference (ITU-R BS.1116-3). "
    return first + text, ["ITU-R BS.1116-3", *cited]


@paragraph.register
def _(analysis: OpinionAnalysis) -> tuple[str, list[str]]:
    text, cited = _compared(next(iter(analysis.comparisons.values())))
    first = (
        "Mean opinion scores are means over listener means with 95 % t intervals; beside them stand scores weighted by "
        "the listeners' consistency (ITU-T P.910). "
    )
    return first + text, ["ITU-T P.910", *cited]


@paragraph.register
def _(analysis: report.AbxAnalysis) -> tuple[str, list[str]]:
    text = (
        f"Right answers were tested against guessing ({100 * analysis.chance:.0f} %) by one-sided exact binomial tests "
        "with Clopper-Pearson intervals (Clopper & Pearson 1934); listeners' p-values were adjusted by Holm (1979); "
        "sensitivity is d′ (Macmillan & Creelman 2005)."
    )
    cited = ["Clopper & Pearson 1934", "Holm 1979", "Macmillan & Creelman 2005"]
    if analysis.test:
        text += " Each session was stopped by Wald's sequential probability ratio test (Wald 1945)."
        cited.append("Wald 1945")
    return text, cited


@paragraph.register
def _(analysis: PreferenceAnalysis) -> tuple[str, list[str]]:
    text = (
        "Each pair was tested by the exact two-sided binomial test of decided choices, adjusted by Holm (1979); "
        "strengths on one scale are by Bradley & Terry (1952), with ties as Davidson (1970) takes them."
    )
    return text, ["Holm 1979", "Bradley & Terry 1952", "Davidson 1970"]


@paragraph.register
def _(analysis: CategoryAnalysis) -> tuple[str, list[str]]:
    text = (
        "Comparison categories (ITU-T P.800, annex E) were turned to one order, averaged per listener and tested "
        "against 0 by t-tests, adjusted by Holm (1979)."
    )
    return text, ["ITU-T P.800", "Holm 1979"]


def _compared(compared: Comparison) -> tuple[str, list[str]]:
    model = compared.mixed
    if model is None:
        return (
            "Conditions were compared by paired t-tests over listener means, adjusted by Holm (1979).",
            ["Holm 1979"],
        )
    effects = " and ".join(
        row["term"].replace(":", " × ")
        for _, row in model.components.iterrows()
        if row["term"] != "residual"
    )
    text = (
        f"Conditions were compared by a linear mixed model with random effects of {effects or 'nothing'} (Barr et "
        "al. 2013), fitted by restricted maximum likelihood as lme4 does (Bates et al. 2015) to "
        f"{model.n_ratings} ratings of {model.n_items} items by {model.n_listeners} listeners, with Satterthwaite's "
        "degrees of freedom (Kuznetsova et al. 2017) and p-values adjusted by Holm (1979); its claims hold "
        f"{model.scope}."
    )
    return text, ["Barr et al. 2013", "Bates et al. 2015", "Kuznetsova et al. 2017", "Holm 1979"]
