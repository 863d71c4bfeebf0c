"""Strengths of systems on one scale from paired comparisons.

Bradley-Terry (logit), Davidson (1970, ties), Davidson & Beaver (1977, ties and order) are conditional logit models of
what is chosen from a comparison of i (presented first) with j:

    first   exp(θ_i + γ)        second   exp(θ_j)        tie   ν exp((θ_i + θ_j)/2)

fitted exactly by Newton's method. Thurstone's case V (probit; times √2 for unit variance of each process) and
Rao & Kupper (1967, P(first) = π_i/(π_i + η π_j)) stand beside them. θ of the first system in the alphabet is 0.
Standard errors take comparisons for independent; those clustered by listener (CR0, and CR1 with Stata's factor) do not.
A comparison graph in pieces has no common scale and is refused; where a system wins or loses everything the strengths
have no bound, and a ridge holds them: a normal prior of standard deviation `PRIOR_SD`, which is said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy import optimize, sparse, stats
from scipy.sparse.csgraph import connected_components
from statsmodels.tools.numdiff import approx_hess3

from listening.analysis.frames import AnalysisError
from listening.analysis.preference import CHOICES, choices_frame, systems_of, wins

Values = NDArray[np.float64]

# weak: on this scale two systems 2.5 apart are told apart in 92 of 100 comparisons
PRIOR_SD = 2.5
ITERATIONS = 100
CONVERGED = 1e-10
# a strength beyond it is on its way to infinity
UNBOUNDED = 30.0
TIES = ("dropped", "half", "davidson")


@dataclass(frozen=True)
class Strengths:
    """A fitted model.

    `systems`: system, theta (the first one's is 0), se, z, p, centred (strengths that sum to 0), centred_se, se_cr0,
    se_cr1 (missing for one listener). `further`: the same columns for log_nu (ties), log_gamma (being first) where the
    model has them. `loglik` of the single choices; `deviance` from the saturated model with its `df` and `p_gof`;
    `ridge`: the prior's precision, 0 without one; `n` comparisons of `n_listeners`.
    """

    model: str
    systems: pd.DataFrame
    further: pd.DataFrame
    loglik: float
    deviance: float
    df: int
    p_gof: float
    ridge: float
    n: int
    n_listeners: int
    caveats: tuple[str, ...]


@dataclass(frozen=True)
class _Design:
    """The comparisons of a listener and an ordered pair as one row, m alternatives and k parameters.

    predictors (rows, m, k); chosen (rows, m), how often; names of the k parameters; listener, a code; cell, the
    pair that the saturated model fits by itself, and turned, whether the row presents it the other way round
    (never where the model knows an order).
    """

    predictors: Values
    chosen: Values
    names: list[str]
    listener: NDArray[np.intp]
    cell: NDArray[np.intp]
    turned: NDArray[np.bool_]


def bradley_terry(
    choices: pd.DataFrame, *, ties: str = "dropped", order: bool = False
) -> Strengths:
    """Fit Bradley-Terry with ties 'dropped', 'half' (half a win each, a display: its errors are too small) or as
    outcomes of their own ('davidson'); with `order`, being presented first has an effect.

    Raises `AnalysisError` for an unknown `ties`, when nothing is left, when the graph of comparisons falls apart, or
    for an `order` that cannot be told from the strengths.
    """
    if ties not in TIES:
        raise AnalysisError(f"expected ties to be one of {', '.join(TIES)}, found {ties!r}")
    frame = choices_frame(choices)
    names = systems_of(frame)
    if ties == "davidson" and not (frame["choice"] == "tie").any():
        caveat = "no ties: Davidson's model is Bradley-Terry's here"
        return _noted(bradley_terry(frame, ties="dropped", order=order), caveat)
    if ties == "dropped":
        frame = frame[frame["choice"] != "tie"].reset_index(drop=True)
    if frame.empty:
        raise AnalysisError("preferences: expected a comparison that was decided, found only ties")
    matrix = wins(frame, names, ties=ties != "dropped")
    separated = _separated(names, matrix)
    if order and not _order_told(frame, names):
        raise AnalysisError(
            "order effect: expected pairs presented in either order, found each in one: it cannot be told from the "
            "systems' strengths"
        )
    design = _design(frame, names, ties=ties, order=order)
    ridge, caveats = 0.0, []
    try:
        if separated:
            raise np.linalg.LinAlgError
        estimate, information = _newton(design, 0.0, len(names))
    except np.linalg.LinAlgError:
        ridge = PRIOR_SD**-2
        estimate, information = _newton(design, ridge, len(names))
        caveats.append(
            f"{separated or 'the choices separate the systems'}: strengths have no bound, a ridge (normal prior, "
            f"standard deviation {PRIOR_SD}) holds them; read their order, not their size"
        )
    if ties == "half":
        caveats.append("half a win per tie: the standard errors are too small")
    return _strengths(frame, names, design, estimate, information, ridge, caveats, ties, order)


def _order_told(frame: pd.DataFrame, names: list[str]) -> bool:
    """Whether what being first adds can be told from the differences of the systems."""
    met = frame[["first", "second"]].drop_duplicates()
    place = {name: number for number, name in enumerate(names)}
    unit = np.eye(len(names))
    of_first, of_second = (unit[met[side].map(place)] for side in ("first", "second"))
    known = np.column_stack([(of_first - of_second)[:, 1:], np.ones(len(met))])
    return bool(np.linalg.matrix_rank(known) == len(names))


def thurstone(choices: pd.DataFrame, *, ties: str = "dropped") -> pd.DataFrame:
    """Thurstone's case V on the probit scale, ties 'dropped' or 'half': system, theta, se, z, p.

    Raises `AnalysisError` where a system wins or loses everything: probit strengths have no bound then.
    """
    frame = choices_frame(choices)
    names = systems_of(frame)
    matrix = wins(frame, names, ties=ties == "half")
    _bounded(names, matrix, "Thurstone's model")
    i, j = np.nonzero(np.triu(matrix + matrix.T))
    predictors = (np.eye(len(names))[i] - np.eye(len(names))[j])[:, 1:]
    family = sm.families.Binomial(sm.families.links.Probit())
    counts = np.column_stack([matrix[i, j], matrix[j, i]])
    # as many parameters as pairs leave no degree of freedom for a scale, which is not used
    with np.errstate(invalid="ignore", divide="ignore"):
        fit = sm.GLM(counts, predictors, family=family).fit(tol=1e-12, maxiter=ITERATIONS)
    return pd.DataFrame(
        {
            "system": names,
            "theta": [0.0, *fit.params],
            "se": [np.nan, *fit.bse],
            "z": [np.nan, *fit.tvalues],
            "p": [np.nan, *fit.pvalues],
        }
    )


def rao_kupper(choices: pd.DataFrame) -> tuple[pd.DataFrame, float, float]:
    """Rao & Kupper's model: a table of system, theta, se; the tie threshold η (1: no ties); the log likelihood.

    Raises `AnalysisError` without ties, or where a system wins or loses everything.
    """
    frame = choices_frame(choices)
    names = systems_of(frame)
    matrix = wins(frame, names, ties=True)
    if not (frame["choice"] == "tie").any():
        raise AnalysisError("Rao-Kupper: expected at least one tie, found none (η is 1)")
    if (frame["choice"] == "tie").all():
        raise AnalysisError("Rao-Kupper: expected a comparison that was decided, found only ties")
    _bounded(names, matrix, "Rao-Kupper's model")
    place = {name: k for k, name in enumerate(names)}
    cells = frame.groupby(["first", "second", "choice"]).size().reset_index(name="count")
    first, second = cells["first"].map(place).to_numpy(), cells["second"].map(place).to_numpy()
    chosen = cells["choice"].map({c: k for k, c in enumerate(CHOICES)}).to_numpy()
    counts = cells["count"].to_numpy(dtype=float)

    def loss(parameters: Values) -> float:
        strength = np.exp(np.concatenate([[0.0], parameters[:-1]]))
        eta = 1 + np.exp(parameters[-1])
        p_first = strength[first] / (strength[first] + eta * strength[second])
        p_second = strength[second] / (strength[second] + eta * strength[first])
        p = np.stack([p_first, p_second, 1 - p_first - p_second])[chosen, np.arange(len(chosen))]
        return -float(counts @ np.log(p))

    start = np.append(np.zeros(len(names) - 1), -1.0)
    fit = optimize.minimize(loss, start, method="BFGS", options={"gtol": 1e-7})
    errors = np.sqrt(np.diag(np.linalg.inv(approx_hess3(fit.x, loss))))
    table = pd.DataFrame(
        {"system": names, "theta": [0.0, *fit.x[:-1]], "se": [np.nan, *errors[:-1]]}
    )
    return table, float(1 + np.exp(fit.x[-1])), -float(fit.fun)


def _design(frame: pd.DataFrame, names: list[str], *, ties: str, order: bool) -> _Design:
    place = {name: k for k, name in enumerate(names)}
    coded = pd.DataFrame(
        {
            "listener": frame["listener"],
            "i": frame["first"].map(place),
            "j": frame["second"].map(place),
            **{c: (frame["choice"] == c).astype(float) for c in CHOICES},
        }
    )
    cells = coded.groupby(["listener", "i", "j"], sort=True).sum().reset_index()
    i, j = cells["i"].to_numpy(), cells["j"].to_numpy()
    chosen = cells[list(CHOICES)].to_numpy(copy=True)
    one = np.eye(len(names))[:, 1:]
    utilities = [one[i], one[j]]
    if ties == "half":
        chosen[:, :2] += chosen[:, 2:] / 2
    if ties == "davidson":
        utilities.append((one[i] + one[j]) / 2)
    predictors = np.stack(utilities, axis=1)
    parameters = list(names[1:])
    if ties == "davidson":
        parameters.append("log_nu")
        predictors = _with_column(predictors, alternative=2)
    if order:
        parameters.append("log_gamma")
        predictors = _with_column(predictors, alternative=0)
    turned = (i > j) & (not order)
    low, high = np.where(turned, j, i), np.where(turned, i, j)
    return _Design(
        predictors,
        chosen[:, : len(utilities)],
        parameters,
        listener=pd.factorize(cells["listener"])[0],
        cell=low * len(names) + high,
        turned=turned,
    )


def _with_column(predictors: Values, *, alternative: int) -> Values:
    column = np.zeros((*predictors.shape[:2], 1))
    column[:, alternative] = 1.0
    return np.concatenate([predictors, column], axis=2)


def _newton(design: _Design, ridge: float, systems: int) -> tuple[Values, Values]:
    """Estimate and observed information of the penalised likelihood; `LinAlgError` where it has no maximum."""
    k = len(design.names)
    # the prior is on the strengths around their mean, so that the choice of the base does not matter
    centring = (np.eye(systems) - 1 / systems)[:, 1:]
    penalty = ridge * np.eye(k)
    penalty[: systems - 1, : systems - 1] = ridge * centring.T @ centring
    estimate = np.zeros(k)
    n = design.chosen.sum(axis=1)
    for _ in range(ITERATIONS):
        p = _probabilities(design, estimate)
        gradient = np.einsum("ca,cak->k", design.chosen - n[:, None] * p, design.predictors)
        gradient -= penalty @ estimate
        mean = np.einsum("ca,cak->ck", p, design.predictors)
        around = design.predictors - mean[:, None, :]
        information = np.einsum("ca,cak,cal->kl", n[:, None] * p, around, around) + penalty
        step = np.linalg.solve(information, gradient)
        # a long step from afar would overshoot
        estimate = estimate + step * min(1.0, 2.0 / np.abs(step).max(initial=1e-300))
        if np.abs(step).max() < CONVERGED:
            return estimate, information
        if np.abs(estimate).max() > UNBOUNDED:
            break
    raise np.linalg.LinAlgError("no maximum")


def _probabilities(design: _Design, estimate: Values) -> Values:
    utility = np.exp(design.predictors @ estimate)
    return utility / utility.sum(axis=1, keepdims=True)


def _strengths(
    frame: pd.DataFrame,
    names: list[str],
    design: _Design,
    estimate: Values,
    information: Values,
    ridge: float,
    caveats: list[str],
    ties: str,
    order: bool,
) -> Strengths:
    covariance = np.linalg.inv(information)
    cr0, cr1 = _clustered(len(frame), design, estimate, covariance)
    table = pd.DataFrame({"system": design.names, "theta": estimate})
    table["se"] = np.sqrt(np.diag(covariance))
    table["z"] = table["theta"] / table["se"]
    table["p"] = 2 * stats.norm.sf(table["z"].abs())
    table["se_cr0"], table["se_cr1"] = cr0, cr1
    k = len(names)
    base = pd.DataFrame({"system": names[:1], "theta": [0.0]})
    systems = pd.concat([base, table.iloc[: k - 1]], ignore_index=True)
    centring = (np.eye(k) - 1 / k)[:, 1:]
    systems["centred"] = centring @ estimate[: k - 1]
    spread = centring @ covariance[: k - 1, : k - 1] @ centring.T
    systems["centred_se"] = np.sqrt(np.diag(spread))
    deviance, df = _deviance(design, estimate)
    with np.errstate(divide="ignore", invalid="ignore"):
        loglik = np.nansum(design.chosen * np.log(_probabilities(design, estimate)))
    listeners = frame["listener"].nunique()
    if listeners == 1:
        caveats = [*caveats, "one listener: no errors clustered by listener"]
    kind = {"dropped": "Bradley-Terry", "half": "Bradley-Terry", "davidson": "Davidson"}[ties]
    return Strengths(
        model=kind + (" with order effect" if order else "") + f", ties {ties}",
        systems=systems,
        further=table.iloc[k - 1 :].rename(columns={"system": "parameter"}).reset_index(drop=True),
        loglik=float(loglik),
        deviance=deviance,
        df=df,
        p_gof=float(stats.chi2.sf(deviance, df)) if df > 0 else np.nan,
        ridge=ridge,
        n=len(frame),
        n_listeners=listeners,
        caveats=tuple(caveats),
    )


def _clustered(n: int, design: _Design, estimate: Values, covariance: NDArray) -> Values:
    """Standard errors (2, k) from scores summed per listener: CR0, and CR1 = CR0 √(G/(G−1) (n−1)/(n−k))."""
    k, groups = len(estimate), int(design.listener.max()) + 1
    if groups == 1:
        return np.full((2, k), np.nan)
    expected = design.chosen.sum(axis=1, keepdims=True) * _probabilities(design, estimate)
    scores = np.einsum("ca,cak->ck", design.chosen - expected, design.predictors)
    summed = np.zeros((groups, k))
    np.add.at(summed, design.listener, scores)
    cr0 = np.sqrt(np.diag(covariance @ summed.T @ summed @ covariance))
    factor = groups / (groups - 1) * (n - 1) / (n - k) if n > k else np.nan
    return np.stack([cr0, cr0 * np.sqrt(factor)])


def _deviance(design: _Design, estimate: Values) -> tuple[float, int]:
    """From the model that gives every pair its own probabilities, with the degrees of freedom left."""
    _, cells = np.unique(design.cell, return_inverse=True)
    chosen = design.chosen.copy()
    expected = _probabilities(design, estimate) * chosen.sum(axis=1, keepdims=True)
    # alternatives of a pair are its systems, wherever they stood
    for counts in (chosen, expected):
        counts[design.turned, :2] = counts[design.turned, 1::-1]
    observed, fitted = (np.zeros((cells.max() + 1, chosen.shape[1])) for _ in range(2))
    np.add.at(observed, cells, chosen)
    np.add.at(fitted, cells, expected)
    ratio = np.divide(observed, fitted, out=np.ones_like(observed), where=observed > 0)
    df = observed.shape[0] * (observed.shape[1] - 1) - len(estimate)
    return float(2 * (observed * np.log(ratio)).sum()), df


def _separated(names: list[str], matrix: Values) -> str:
    """Who wins or loses everything, in words; empty where every system both wins and loses against the others."""
    pieces, of = connected_components(sparse.csr_array(matrix + matrix.T), directed=False)
    if pieces > 1:
        groups = [", ".join(np.array(names)[of == k]) for k in range(pieces)]
        raise AnalysisError(
            "preferences: expected comparisons that connect all systems, found separate groups "
            f"({' | '.join(groups)}), which have no common scale"
        )
    strong, of = connected_components(sparse.csr_array(matrix), directed=True, connection="strong")
    if strong == 1:
        return ""
    won = [
        n
        for n, row, column in zip(names, matrix, matrix.T, strict=True)
        if not column.any() and row.any()
    ]
    lost = [
        n
        for n, row, column in zip(names, matrix, matrix.T, strict=True)
        if column.any() and not row.any()
    ]
    said = [f"{n} won everything" for n in won] + [f"{n} lost everything" for n in lost]
    return "; ".join(said) or "one group of systems won everything against the rest"


def _bounded(names: list[str], matrix: Values, model: str) -> None:
    if why := _separated(names, matrix):
        raise AnalysisError(f"{model}: expected every system to win and to lose, found that {why}")


def _noted(strengths: Strengths, caveat: str) -> Strengths:
    return replace(strengths, caveats=(*strengths.caveats, caveat))
