"""Tables under the Gaussian copula against scipy's bivariate normal law."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from model_exporter.stats.copula import _NODES, _WEIGHTS, Floats, fit_margins, normal_cells, table_correlation

FIFTHS = np.full((1, 5), 0.2)


def reference(rho: float, rows: Floats, columns: Floats) -> Floats:
    """Second differences of scipy's bivariate distribution function."""
    left, top = np.cumsum(rows), np.cumsum(columns)
    cumulated = np.zeros((6, 6))
    law = multivariate_normal(cov=[[1, rho], [rho, 1]])
    for i in range(5):
        for j in range(5):
            if i < 4 and j < 4:
                cumulated[i + 1, j + 1] = law.cdf([norm.ppf(left[i]), norm.ppf(top[j])])
            else:
                cumulated[i + 1, j + 1] = top[j] if i == 4 else left[i]
    return np.diff(np.diff(cumulated, axis=0), axis=1)


@pytest.mark.parametrize("rho", [-0.98, -0.9, -0.3, 0.0, 0.6, 0.95, 0.98])
def test_cells_are_scipys(rho: float) -> None:
    """Cell probabilities agree with scipy to 1e-12, whatever the margins."""
    rng = np.random.default_rng(5)
    for rows, columns in rng.dirichlet(np.ones(5), (5, 2)):
        cells = normal_cells(np.array([rho]), rows[None], columns[None])[0]
        assert np.abs(cells - reference(rho, rows, columns)).max() < 1e-12


def test_cells_have_their_margins() -> None:
    """Tables have the margins they were asked for, levels without probability included."""
    rows, columns = np.array([[0.1, 0.2, 0.7, 0.0, 0.0]]), np.array([[0.5, 0.5, 0.0, 0.0, 0.0]])
    cells = normal_cells(np.array([0.7]), rows, columns)
    np.testing.assert_allclose(cells.sum(axis=2), rows, atol=1e-15)
    np.testing.assert_allclose(cells.sum(axis=1), columns, atol=1e-15)
    assert (cells >= 0).all()


def test_correlation_of_a_table_is_found() -> None:
    """The correlation that a table was made with comes back, also with few and uneven levels."""
    rho = np.linspace(-0.97, 0.97, 21)
    rows = np.tile([[0.1, 0.2, 0.7, 0.0, 0.0]], (21, 1))
    np.testing.assert_allclose(
        table_correlation(normal_cells(rho, rows, np.repeat(FIFTHS, 21, axis=0))), rho, atol=1e-6
    )


def test_fitted_tables_keep_their_odds_ratios() -> None:
    """Fitting changes the margins to those asked for, and no odds ratio."""
    table = normal_cells(np.array([0.5]), FIFTHS, FIFTHS)
    rows, columns = np.array([[0.1, 0.1, 0.2, 0.3, 0.3]]), np.array([[0.4, 0.3, 0.1, 0.1, 0.1]])
    fitted = fit_margins(table, rows, columns, steps=100)
    np.testing.assert_allclose(fitted.sum(axis=2), rows, atol=1e-12)
    np.testing.assert_allclose(fitted.sum(axis=1), columns, atol=1e-12)
    logs, before = np.log(fitted[0]), np.log(table[0])
    np.testing.assert_allclose(np.diff(np.diff(logs, axis=0), axis=1), np.diff(np.diff(before, axis=0), axis=1))


def test_the_quadrature_is_gauss_and_legendres() -> None:
    """The table of nodes and weights is numpy's, to the last bit or two."""
    nodes, weights = np.polynomial.legendre.leggauss(24)
    assert np.allclose(_NODES, nodes, rtol=1e-15, atol=1e-16)
    assert np.allclose(_WEIGHTS, weights, rtol=1e-14)
