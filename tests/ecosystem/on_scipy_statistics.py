"""scipy.special and scipy.stats, of SciPy 1.17 with SCIPY_ARRAY_API=1."""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import array_namespace

from tests.cases import exactly, positive, real
from tests.ecosystem.rows import constant, detaches, each_of, find, fixed, refuses, works

OPEN = real(5, low=0.2, high=0.8)  # between 0 and 1, away from both
MANY, MORE = real(25), real(25)

# SciPy's own functions

SPECIAL = [
    *each_of(works, "scipy.special", "logsumexp softmax log_softmax", [real(3, 4)], axis=1),
    works("scipy.special.xlogy", [real(5), positive(5)]),
    works("scipy.special.rel_entr", [positive(5), positive(5)]),
    *each_of(
        refuses, "scipy.special",
        "cbrt exp2 exp10 exp1 expi exprel gammasgn loggamma rgamma ellipk ellipkm1 k0 k0e k1 k1e y0 y1 "
        "spence sindg cosdg tandg cotdg cosm1 zetac",
        [OPEN],
    ),
    *each_of(refuses, "scipy.special", "boxcox boxcox1p inv_boxcox huber pseudo_huber binom poch", [OPEN, positive(5)]),
]  # fmt: skip

# What SciPy finds in agrad.special

NO_RULE = "has no gradient with respect to"

OF_AGRAD = [
    *each_of(
        works, "scipy.special",
        "digamma psi entr erf erfc erfcx erfinv expit gamma gammaln i0 i0e i1 i1e j0 j1 log_ndtr logit ndtr ndtri "
        "sinc",
        [OPEN],
    ),
    *each_of(works, "scipy.special", "betaln kl_div xlog1py", [positive(5), positive(5)]),
    *each_of(works, "scipy.special", "gammainc gammaincc chdtr chdtrc", [fixed(positive(5)), OPEN]),
    *each_of(works, "scipy.special", "stdtr stdtrit", [fixed(positive(5)), OPEN]),
    *each_of(works, "scipy.special", "betainc betaincc", [fixed(positive(5)), fixed(positive(5)), OPEN]),
    works("scipy.special.zeta", [fixed(real(5, low=1.5, high=3.0)), positive(5)]),
    works("scipy.special.polygamma", [2, positive(5)]),
    *each_of(refuses, "scipy.special", "gammainc gammaincc", [positive(5), OPEN], note="parameter", error=NO_RULE),
    *each_of(refuses, "scipy.special", "betainc betaincc", [positive(5), positive(5), OPEN], note="parameters",
             error=NO_RULE),
]  # fmt: skip

# Statistics of one sample, of two, and of their like


def as_tensors(function: Any, *samples: Any) -> Any:
    """Return the numbers that a function made of ranks, beside their arguments."""
    xp, found = array_namespace(*samples), function(*samples)
    return [xp.asarray(float(x)) for x in (found[:2] if isinstance(found, tuple) else [found])]


def mean(x: Any, axis: Any) -> Any:
    return array_namespace(x).mean(x, axis=axis)


def difference(x: Any, y: Any, axis: Any) -> Any:
    return mean(x, axis) - mean(y, axis)


def normal(like: Any) -> Any:
    """Return what draws from the normal distribution, the same each time."""
    random = np.random.default_rng(3)
    return lambda size: array_namespace(like).asarray(random.normal(size=size))


def drawn(function: Any, *args: Any, **settings: Any) -> Any:
    return function(*args, rng=np.random.default_rng(3), n_resamples=20, **settings)


def of_equal_sums(test: Any, observed: Any, expected: Any) -> Any:
    xp = array_namespace(observed)
    return test(observed, expected * (xp.sum(observed) / xp.sum(expected)))


SAMPLES = [
    *each_of(
        works, "scipy.stats",
        "gmean hmean circmean circvar circstd skew kurtosis kstat kstatvar tmean tvar tstd tsem tmin tmax sem "
        "variation iqr median_abs_deviation zscore gzscore gstd differential_entropy describe lmoment mode entropy",
        [positive(9)],
    ),
    works("scipy.stats.pmean", [positive(9), 3]),
    works("scipy.stats.moment", [positive(9), 3]),
    works("scipy.stats.trim_mean", [positive(9), 0.2]),
    works("scipy.stats.sigmaclip", [positive(9), 1.2, 1.2]),
    works("scipy.stats.quantile", [positive(9), fixed(exactly(0.3, 0.7))]),
    works("scipy.stats.directional_stats", [real(5, 3)]),
    works("scipy.stats.boxcox_llf", [0.5, positive(9)], "data"),
    detaches("scipy.stats.boxcox_llf", [exactly(0.5), positive(9)], "lambda"),
    works("scipy.stats.yeojohnson_llf", [real(), real(9)]),
    works("scipy.stats.zmap", [positive(5), positive(9)]),
    works("scipy.stats.entropy", [positive(5), positive(5)], "of two"),
    *each_of(refuses, "scipy.stats", "expectile boxcox yeojohnson bayes_mvs obrientransform", [positive(9)]),
    *each_of(refuses, "scipy.stats", "trimboth trim1", [positive(9), 0.2]),
    *each_of(refuses, "scipy.stats", "gaussian_kde probplot cumfreq relfreq", [positive(9)]),
    *each_of(refuses, "scipy.stats", "ecdf", [positive(9)], strict=False),  # it divides integers
    *each_of(refuses, "scipy.stats", "norm.pdf norm.logpdf norm.cdf expon.logpdf norm.fit", [positive(9)]),
    refuses("scipy.stats.multivariate_normal.logpdf", [positive(9)]),
    refuses("scipy.stats.Normal", [real(), positive()], call=lambda cls, mu, sigma: cls(mu=mu, sigma=sigma)),
]  # fmt: skip

# Tests of hypotheses

TESTS = [
    *each_of(works, "scipy.stats", "normaltest skewtest kurtosistest jarque_bera", [MANY]),
    works("scipy.stats.ttest_1samp", [MANY, 0.3]),
    *each_of(
        works, "scipy.stats", "ttest_ind ttest_rel pearsonr pointbiserialr bartlett alexandergovern", [MANY, MORE]
    ),
    works("scipy.stats.ttest_ind_from_stats", [real(), positive(), 9, real(), positive(), 8]),
    *each_of(works, "scipy.stats", "chisquare power_divergence", [positive(5), positive(5)], call=of_equal_sums),
    works("scipy.stats.combine_pvalues", [OPEN]),
    works("scipy.stats.false_discovery_control", [OPEN]),
    works("scipy.stats.bootstrap", [positive(9)], call=lambda f, x: drawn(f, (x,), mean)),
    works("scipy.stats.monte_carlo_test", [real(9)], n_resamples=20,
          call=lambda f, x, **settings: f(x, normal(x), mean, **settings).statistic),
    works("scipy.stats.permutation_test", [real(6), real(5)], call=lambda f, *xy: drawn(f, xy, difference)),
    *each_of(
        constant, "scipy.stats",
        "mannwhitneyu kruskal ansari mood fligner brunnermunzel cramervonmises_2samp chatterjeexi spearmanrho "
        "spearmanr",
        [MANY, MORE],
    ),
    works("scipy.stats.epps_singleton_2samp", [MANY, MORE]),
    constant("scipy.stats.rankdata", [MANY]),
    constant("scipy.stats.wilcoxon", [MANY]),
    *each_of(constant, "scipy.stats", "ks_2samp", [MANY, MORE], call=as_tensors, strict=False),
    constant("scipy.stats.bws_test", [MANY, MORE], call=lambda f, x, y: f(x, y).statistic),
    constant("scipy.stats.tiecorrect", [MANY], call=as_tensors),
    *each_of(
        refuses, "scipy.stats",
        "f_oneway levene kendalltau weightedtau somersd linregress theilslopes siegelslopes "
        "wasserstein_distance energy_distance median_test",
        [MANY, MORE],
    ),
    *each_of(refuses, "scipy.stats", "shapiro anderson ppcc_max", [MANY]),
    *each_of(refuses, "scipy.stats", "ks_1samp cramervonmises", [MANY],
             call=lambda f, x: f(x, find("scipy.special.ndtr"))),
    *each_of(refuses, "scipy.stats", "chi2_contingency page_trend_test", [positive(3, 4)]),
]  # fmt: skip

ROWS = [*SPECIAL, *OF_AGRAD, *SAMPLES, *TESTS]
