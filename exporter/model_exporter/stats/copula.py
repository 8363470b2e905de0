"""Tables of two variables under the Gaussian copula: cell probabilities, the correlation of a table, its margins.

A table has 5 by 5 cells, rows for the levels of the first variable and columns for those of the second, with the
smaller values first; a variable with fewer levels leaves the last rows or columns at 0. All functions work on P tables
at once. No scipy: the bivariate normal law is an integral over the angle of the correlation.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.stats.normal import normal_score

Floats = NDArray[np.float64]

LEVELS: Final = 5
MAX_CORRELATION: Final = 0.98
"""Beyond it 5 by 5 cells cannot tell one correlation from another, and the quadrature loses digits."""

# Gauss and Legendre's quadrature with 24 nodes, its upper half: numpy's `leggauss(24)`, whose module and whose
# eigenvalues would take 1.4 MiB of every process at its start.
_HALF_NODES: Final = (
    *(0.06405689286260563, 0.1911188674736163, 0.3150426796961634, 0.4337935076260451),
    *(0.5454214713888396, 0.6480936519369755, 0.7401241915785544, 0.820001985973903),
    *(0.8864155270044011, 0.9382745520027328, 0.9747285559713095, 0.9951872199970213),
)
_HALF_WEIGHTS: Final = (
    *(0.12793819534675202, 0.12583745634682825, 0.1216704729278033, 0.11550566805372552),
    *(0.10744427011596556, 0.09761865210411393, 0.0861901615319532, 0.07334648141108016),
    *(0.05929858491543636, 0.04427743881741941, 0.02853138862893356, 0.01234122979998869),
)
_NODES = np.array([-node for node in reversed(_HALF_NODES)] + list(_HALF_NODES))
_WEIGHTS = np.array([*reversed(_HALF_WEIGHTS), *_HALF_WEIGHTS])
_BISECTIONS: Final = 24
_FITTED: Final = 1e-12


def normal_cells(rho: Floats, rows: Floats, columns: Floats) -> Floats:
    """Probabilities of the cells of a bivariate normal variable cut so that it has the given margins, float64[P, 5, 5].

    With margins cut at h_k and g_l, the normal quantiles of the cumulated `rows` and `columns`, a cell is a second
    difference of Phi2(h, g; rho) = Phi(h) Phi(g) + 1/(2 pi) int_0^asin(rho) exp(-(h^2 + g^2 - 2 h g sin t) /
    (2 cos^2 t)) dt, by Gauss and Legendre with 24 nodes: right to 1e-13 for |rho| <= 0.98.

    Args:
        rho: float64[P], correlations; those beyond +-0.98 are taken as that.
        rows: float64[P, 5], probabilities of the first variable's levels, each row sums to 1.
        columns: float64[P, 5], those of the second.

    Sources: R. L. Plackett, Biometrika 41 (1954); Z. Drezner and G. O. Wesolowsky, J. Statist. Comput. Simul. 35
    (1990).

    >>> fifths = np.full((1, 5), 0.2)
    >>> normal_cells(np.array([0.6]), fifths, fifths)[0, 0].round(4).tolist()
    [0.0992, 0.0517, 0.0296, 0.015, 0.0045]
    """
    return _cut_cells(rho, _cuts(rows), _cuts(columns))


def table_correlation(cells: Floats) -> Floats:
    """Correlation of the Gaussian copula that has the normal-score correlation of each table, float64[P].

    A level's score is the normal quantile of the middle of its cumulated margin. The correlation of the scores grows
    with rho, so that rho is found by bisection, to 1e-7, between -0.98 and 0.98.

    Args:
        cells: float64[P, 5, 5], probabilities that sum to 1 in each table.

    >>> fifths = np.full((1, 5), 0.2)
    >>> table_correlation(normal_cells(np.array([-0.4]), fifths, fifths)).round(6).tolist()
    [-0.4]
    """
    rows, columns = cells.sum(axis=2), cells.sum(axis=1)
    cuts = _cuts(rows), _cuts(columns)
    products = _scores(rows)[:, :, None] * _scores(columns)[:, None, :]
    wanted = np.einsum("pkl,pkl->p", cells, products)
    low, high = np.full((2, len(cells)), [[-MAX_CORRELATION], [MAX_CORRELATION]])
    middle: Floats = (low + high) / 2
    for _ in range(_BISECTIONS):
        below = np.einsum("pkl,pkl->p", _cut_cells(middle, *cuts), products) < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
        middle = (low + high) / 2
    return middle


def fit_margins(cells: Floats, rows: Floats, columns: Floats, *, steps: int) -> Floats:
    """The tables with the odds ratios of `cells` and the given margins, float64[..., 5, 5].

    Iterative proportional fitting: each round scales the rows to their margin, then the columns; what the columns get
    is exact. It converges by a factor of about rho^2 a round, and ends when no row is off by more than 1e-12, or
    after `steps` rounds. A row or column of zeros stays as it is.

    Sources: W. E. Deming and F. F. Stephan, Ann. Math. Statist. 11 (1940); R. Sinkhorn, Amer. Math. Monthly 74 (1967).

    >>> table = np.array([[[4.0, 1.0], [1.0, 4.0]]])
    >>> half = np.array([[0.5, 0.5]])
    >>> fit_margins(table, half, half, steps=3).tolist()
    [[[0.4, 0.1], [0.1, 0.4]]]
    """
    for _ in range(steps):
        found = cells.sum(axis=-1)
        if np.abs(found - rows).max(initial=0.0) <= _FITTED:
            break
        cells = cells * _ratio(rows, found)[..., :, None]
        cells = cells * _ratio(columns, cells.sum(axis=-2))[..., None, :]
    return cells


def _cut_cells(rho: Floats, rows: tuple[Floats, Floats], columns: tuple[Floats, Floats]) -> Floats:
    """`normal_cells` from the cuts of the margins."""
    (h, left), (g, top) = rows, columns
    angle = np.arcsin(np.clip(rho, -MAX_CORRELATION, MAX_CORRELATION))[:, None] / 2
    at = angle * (_NODES + 1)
    sine, cosine_squared = np.sin(at)[:, None, None], np.cos(at)[:, None, None] ** 2
    h_, g_ = h[:, :, None, None], g[:, None, :, None]
    exponent = (h_ * h_ + g_ * g_ - 2 * h_ * g_ * sine) / (2 * cosine_squared)
    excess = np.exp(-exponent) @ _WEIGHTS * angle[:, :, None] / (2 * np.pi)
    excess[(left == 0) | (left == 1)] = 0.0
    excess.swapaxes(1, 2)[(top == 0) | (top == 1)] = 0.0
    cells: Floats = np.diff(np.diff(left[:, :, None] * top[:, None, :] + excess, axis=1), axis=2)
    np.maximum(cells, 0.0, out=cells)  # the differences of the smallest cells may round below 0
    return cells


def _ratio(over: Floats, under: Floats) -> Floats:
    return np.divide(over, under, out=np.ones(np.broadcast_shapes(over.shape, under.shape)), where=under > 0)


def _cuts(margin: Floats) -> tuple[Floats, Floats]:
    """Normal quantiles of the cumulated margin, 0 where it is 0 or 1, and the cumulated margin, both float64[P, 6]."""
    cumulated = np.zeros((len(margin), LEVELS + 1))
    np.cumsum(margin, axis=1, out=cumulated[:, 1:])
    cumulated[cumulated > 1 - 1e-12] = 1.0
    return _normal_quantiles(cumulated), cumulated


def _scores(margin: Floats) -> Floats:
    """Normal quantiles of the middles of the levels, standardised under the margin (0 for one level), float64[P, 5]."""
    scores = _normal_quantiles(np.cumsum(margin, axis=1) - margin / 2)
    scores = scores - (scores * margin).sum(axis=1, keepdims=True)
    spread = np.sqrt((scores**2 * margin).sum(axis=1, keepdims=True))
    standard: Floats = scores / np.where(spread > 0, spread, 1.0)
    return standard


def _normal_quantiles(shares: Floats) -> Floats:
    """0 for a share of 0 or 1: what is built on it is masked there."""
    quantiles = normal_score(shares)
    return np.where(np.isfinite(quantiles), quantiles, 0.0)
