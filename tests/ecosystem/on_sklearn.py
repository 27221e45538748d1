"""scikit-learn 1.9, with array_api_dispatch=True."""

from __future__ import annotations

import warnings
from typing import Any

from tests.cases import exactly, positive, real
from tests.ecosystem.rows import detaches, each_of, fixed, refuses, works

TRAIN, TEST = positive(10, 3), positive(4, 3)
TARGET, COUNTS = real(10), positive(10)
CLASSES = exactly(0, 1, 2, 0, 1, 2, 0, 1, 0, 1, dtype="int64")
TWO_CLASSES = exactly(0, 1, 0, 1, 1, 0, 0, 1, 0, 1, dtype="int64")

# How an estimator is used: fitted on tracked data, and asked about tracked data


def transformed(cls: Any, x: Any, z: Any, **settings: Any) -> Any:
    return cls(**settings).fit(x).transform(z)


def predicted(cls: Any, x: Any, y: Any, z: Any, **settings: Any) -> Any:
    return cls(**settings).fit(x, y).predict(z)


def decided(cls: Any, x: Any, y: Any, z: Any, **settings: Any) -> Any:
    return cls(**settings).fit(x, y).decision_function(z)


def scored(cls: Any, x: Any, z: Any, **settings: Any) -> Any:
    return cls(**settings).fit(x).score_samples(z)


def likely(cls: Any, x: Any, y: Any, z: Any, **settings: Any) -> Any:
    return cls(**settings).fit(x, y).predict_log_proba(z)


def on_ridge(**settings: Any) -> Any:
    """Return a call that gives a Ridge to what takes an estimator."""

    def call(wrapper: Any, *args: Any) -> Any:
        from sklearn.linear_model import Ridge

        ridge = Ridge(solver="svd")
        return wrapper(ridge, *args, **settings)

    return call


def searched(search: Any, x: Any, y: Any, z: Any) -> Any:
    fit = on_ridge(param_grid={"alpha": [0.1, 1.0]}, cv=2)(search).fit
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # scores only choose, they are plain numbers
        return fit(x, y).predict(z)


def piped(make_pipeline: Any, x: Any, y: Any, z: Any) -> Any:
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), Ridge(solver="svd")).fit(x, y).predict(z)


LINEAR = [
    *each_of(works, "sklearn.linear_model", "Ridge", [TRAIN, TARGET, TEST], call=predicted, solver="svd"),
    *each_of(works, "sklearn.linear_model", "RidgeCV", [TRAIN, TARGET, TEST], call=predicted),
    *each_of(works, "sklearn.linear_model", "RidgeClassifier", [TRAIN, TWO_CLASSES, TEST], call=decided, solver="svd"),
    *each_of(works, "sklearn.linear_model", "RidgeClassifierCV", [TRAIN, TWO_CLASSES, TEST], call=decided),
    works("sklearn.linear_model.LogisticRegression", [fixed(TRAIN), TWO_CLASSES, TEST], "predicting", call=decided),
    works("sklearn.linear_model.PoissonRegressor", [fixed(TRAIN), fixed(COUNTS), TEST], "predicting", call=predicted),
    refuses("sklearn.linear_model.LogisticRegression", [TRAIN, TWO_CLASSES, TEST], "fitting", call=decided),
    refuses("sklearn.linear_model.PoissonRegressor", [TRAIN, COUNTS, TEST], "fitting", call=predicted),
    *each_of(
        refuses, "sklearn.linear_model",
        "LinearRegression Lasso ElasticNet BayesianRidge ARDRegression Lars HuberRegressor SGDRegressor "
        "TheilSenRegressor",
        [TRAIN, TARGET, TEST], call=predicted,
    ),
]  # fmt: skip

MODELS = [
    *[works("sklearn.decomposition.PCA", [TRAIN, TEST], solver, call=transformed, n_components=2, svd_solver=solver,
            power_iteration_normalizer="QR", random_state=0) for solver in ("full", "covariance_eigh", "randomized")],
    works("sklearn.kernel_approximation.Nystroem", [TRAIN, TEST], call=transformed, n_components=4, random_state=0),
    works("sklearn.discriminant_analysis.LinearDiscriminantAnalysis", [TRAIN, CLASSES, TEST], call=decided),
    *[works("sklearn.mixture.GaussianMixture", [positive(24, 2), positive(4, 2)], kind, call=scored, n_components=2,
            covariance_type=kind, reg_covar=0.0, init_params="random", tol=1e3, random_state=0)
      for kind in ("full", "tied", "diag", "spherical")],
    works("sklearn.naive_bayes.GaussianNB", [TRAIN, TWO_CLASSES, TEST], call=likely),
    works("sklearn.pipeline.make_pipeline", [TRAIN, TARGET, TEST], call=piped),
    works("sklearn.model_selection.GridSearchCV", [TRAIN, TARGET, TEST], call=searched),
    works("sklearn.model_selection.cross_val_predict", [TRAIN, TARGET], call=on_ridge(cv=2)),
    *each_of(refuses, "sklearn.decomposition", "FastICA NMF FactorAnalysis KernelPCA IncrementalPCA",
            [TRAIN, TEST], call=transformed, n_components=2),
    works("sklearn.decomposition.TruncatedSVD", [TRAIN, TEST], call=transformed, n_components=2,
          power_iteration_normalizer="QR", random_state=0),
    *each_of(refuses, "sklearn.cluster", "KMeans MiniBatchKMeans", [TRAIN, TEST], call=transformed,
             n_clusters=2),
    refuses("sklearn.cluster.DBSCAN", [TRAIN], call=lambda cls, x: cls().fit(x)),
    *each_of(refuses, "sklearn.svm", "SVR LinearSVR", [TRAIN, TARGET, TEST], call=predicted),
    works("sklearn.neighbors.KNeighborsRegressor", [TRAIN, TARGET, TEST], call=predicted),
    refuses("sklearn.neighbors.KNeighborsRegressor", [TRAIN, TARGET, TEST], "by distance", call=predicted,
            weights="distance"),
    *each_of(refuses, "sklearn.ensemble",
             "RandomForestRegressor GradientBoostingRegressor HistGradientBoostingRegressor",
             [TRAIN, TARGET, TEST], call=predicted),
    *each_of(refuses, "sklearn.tree", "DecisionTreeRegressor", [TRAIN, TARGET, TEST], call=predicted),
    *each_of(refuses, "sklearn.gaussian_process", "GaussianProcessRegressor", [TRAIN, TARGET, TEST], call=predicted),
    *each_of(refuses, "sklearn.kernel_ridge", "KernelRidge", [TRAIN, TARGET, TEST], call=predicted),
    *each_of(refuses, "sklearn.neural_network", "MLPRegressor", [TRAIN, TARGET, TEST], call=predicted),
]  # fmt: skip

PREPROCESSING = [
    *each_of(works, "sklearn.preprocessing", "StandardScaler MinMaxScaler MaxAbsScaler Normalizer", [TRAIN, TEST],
             call=transformed),
    works("sklearn.preprocessing.KernelCenterer", [positive(4, 4), positive(3, 4)], call=transformed),
    works("sklearn.preprocessing.PolynomialFeatures", [TRAIN, TEST], call=transformed, degree=2),
    *each_of(works, "sklearn.preprocessing", "normalize minmax_scale maxabs_scale", [TRAIN]),
    works("sklearn.preprocessing.quantile_transform", [TRAIN], n_quantiles=10),
    works("sklearn.preprocessing.QuantileTransformer", [TRAIN, TEST], call=transformed, n_quantiles=10),
    *each_of(refuses, "sklearn.preprocessing", "scale robust_scale power_transform", [TRAIN]),
    *each_of(refuses, "sklearn.preprocessing",
             "RobustScaler PowerTransformer SplineTransformer KBinsDiscretizer", [TRAIN, TEST],
             call=transformed),
]  # fmt: skip

PAIRWISE = [
    *each_of(
        works, "sklearn.metrics.pairwise",
        "linear_kernel polynomial_kernel sigmoid_kernel rbf_kernel laplacian_kernel chi2_kernel additive_chi2_kernel "
        "cosine_similarity cosine_distances euclidean_distances manhattan_distances pairwise_distances "
        "pairwise_kernels",
        [TRAIN, TEST],
    ),
    *each_of(
        works, "sklearn.metrics.pairwise",
        "paired_euclidean_distances paired_cosine_distances paired_manhattan_distances paired_distances",
        [TEST, positive(4, 3)],
    ),
    works("sklearn.metrics.pairwise.pairwise_distances_argmin_min", [TRAIN, TEST], call=lambda f, x, y: f(x, y)[1]),
    *each_of(refuses, "sklearn.metrics.pairwise", "haversine_distances", [positive(4, 2), positive(3, 2)]),
    *each_of(refuses, "sklearn.metrics.pairwise", "nan_euclidean_distances",
             [TRAIN, TEST]),
]  # fmt: skip

TWO = [positive(4, 2), positive(4, 2)]

METRICS = [
    *each_of(
        works, "sklearn.metrics",
        "mean_squared_error root_mean_squared_error mean_absolute_error mean_absolute_percentage_error "
        "mean_squared_log_error root_mean_squared_log_error mean_pinball_loss r2_score explained_variance_score "
        "d2_absolute_error_score d2_pinball_score",
        TWO, note="raw values", multioutput="raw_values",
    ),
    *each_of(
        detaches, "sklearn.metrics",
        "mean_squared_error root_mean_squared_error mean_absolute_error mean_absolute_percentage_error "
        "mean_squared_log_error root_mean_squared_log_error mean_pinball_loss r2_score explained_variance_score "
        "d2_absolute_error_score d2_pinball_score",
        TWO, note="average",
    ),
    *each_of(
        detaches, "sklearn.metrics",
        "max_error mean_tweedie_deviance mean_poisson_deviance mean_gamma_deviance d2_tweedie_score",
        [positive(5), positive(5)],
    ),
    refuses("sklearn.metrics.median_absolute_error", TWO, multioutput="raw_values"),
]  # fmt: skip

EXTMATH = [
    works("sklearn.utils.extmath.softmax", [TRAIN]),
    works("sklearn.utils.extmath.row_norms", [TRAIN]),
    works("sklearn.utils.extmath.safe_sparse_dot", [TRAIN, positive(3, 2)]),
    works("sklearn.utils.extmath.randomized_svd", [TRAIN, 2], power_iteration_normalizer="QR", random_state=0),
    works(
        "sklearn.utils.extmath.randomized_range_finder",
        [TRAIN],
        size=2,
        n_iter=2,
        power_iteration_normalizer="QR",
        random_state=0,
    ),
    works("sklearn.utils.extmath.squared_norm", [TRAIN]),
    refuses("sklearn.utils.extmath.cartesian", [TRAIN]),
]

ROWS = [*LINEAR, *MODELS, *PREPROCESSING, *PAIRWISE, *METRICS, *EXTMATH]
