"""The recipe and its rivals: each is training rows in, a function from rows to probabilities out.

XGBoost, CatBoost and HistGradientBoosting keep their library's shape of trees but stop early on
log loss: on the newest months or, with a single as-of date, on a fifth of the customers;
HistGradientBoosting draws its own rows.
"""

from collections.abc import Callable

import catboost
import lightgbm as lgb
import numpy as np
import pandas as pd
import xgboost as xgb
from sklearn.ensemble import HistGradientBoostingClassifier

from features.timeline import LabelWindow
from models.baselines.suite import logistic
from models.boosters.hyperparameters import recipe_for
from models.churn.fit import fit
from models.dataset.array_types import Floats, Matrix
from models.dataset.examples import Examples
from models.dataset.splits import Fold, customer_split, newest_months

Predict = Callable[[Examples], Floats]
THREADS = 1
_LEAST = 20
_ROUNDS = 4_000
_RATE, _PATIENCE = 0.05, 50


def recipe(train: Examples, _window: LabelWindow) -> Predict:
    """The shipped recipe for this many rows, three seeds."""
    model = fit(train, recipe_for(len(train), 3, THREADS, train.single_date))[0]
    return lambda rows: model.probability(rows.x, rows.product_line, THREADS)


def lightgbm_defaults(train: Examples, _window: LabelWindow) -> Predict:
    """LightGBM as it comes: 100 rounds, 31 leaves, a learning rate of 0.1."""
    data = lgb.Dataset(
        train.x, train.y, categorical_feature=list(train.spec.categories), free_raw_data=True
    )
    params = {"objective": "binary", "verbosity": -1, "num_threads": THREADS}
    booster = lgb.train(params, data)
    return lambda rows: np.asarray(booster.predict(rows.x, num_threads=THREADS))


def logistic_regression(train: Examples, _window: LabelWindow) -> Predict:
    """The baseline of every training run; fitted on at most about 60,000 rows."""
    made = logistic(train)
    return lambda rows: made.probability(rows.x)


def xgboost_stopped(train: Examples, window: LabelWindow) -> Predict:
    """XGBoost, learning rate 0.05, stopped early."""
    inner = _inner(train, window)
    kinds = ["c" if column.kind == "category" else "q" for column in train.spec.columns]

    def matrix(x: Matrix, y: np.ndarray | None = None) -> xgb.DMatrix:
        return xgb.DMatrix(x, y, feature_types=kinds, enable_categorical=True, nthread=THREADS)

    params = {"objective": "binary:logistic", "eval_metric": "logloss", "eta": _RATE}
    booster = xgb.train(
        {**params, "nthread": THREADS, "seed": 1},
        matrix(train.x[inner.train], train.y[inner.train]),
        _ROUNDS,
        evals=[(matrix(train.x[inner.test], train.y[inner.test]), "inner")],
        early_stopping_rounds=_PATIENCE,
        verbose_eval=False,
    )
    last = (0, booster.best_iteration + 1)
    return lambda rows: booster.predict(matrix(rows.x), iteration_range=last).astype(np.float64)


def catboost_stopped(train: Examples, window: LabelWindow) -> Predict:
    """CatBoost, learning rate 0.05, stopped early."""
    inner = _inner(train, window)
    categories = list(train.spec.categories)

    def pool(x: Matrix, y: np.ndarray | None = None) -> catboost.Pool:
        frame = pd.DataFrame(x)
        for position in categories:
            frame[position] = frame[position].fillna(-1).astype(int)
        return catboost.Pool(frame, y, cat_features=categories)

    model = catboost.CatBoostClassifier(
        iterations=_ROUNDS,
        learning_rate=_RATE,
        od_type="Iter",
        od_wait=_PATIENCE,
        random_seed=1,
        thread_count=THREADS,
        allow_writing_files=False,
        verbose=False,
    )
    model.fit(
        pool(train.x[inner.train], train.y[inner.train]),
        eval_set=pool(train.x[inner.test], train.y[inner.test]),
    )
    return lambda rows: model.predict_proba(pool(rows.x))[:, 1]


def hist_gradient_boosting(train: Examples, _window: LabelWindow) -> Predict:
    """scikit-learn's HistGradientBoosting, learning rate 0.05, stopped on a tenth of the rows."""
    many = [i for i in train.spec.categories if len(train.spec.columns[i].vocabulary) <= 255]
    model = HistGradientBoostingClassifier(
        learning_rate=_RATE,
        max_iter=_ROUNDS,
        early_stopping=True,
        n_iter_no_change=_PATIENCE,
        categorical_features=many or None,
        random_state=1,
    )
    model.fit(train.x, train.y)
    return lambda rows: model.predict_proba(rows.x)[:, 1]


RIVALS: dict[str, Callable[[Examples, LabelWindow], Predict]] = {
    "recipe": recipe,
    "LightGBM defaults": lightgbm_defaults,
    "logistic regression": logistic_regression,
    "XGBoost": xgboost_stopped,
    "CatBoost": catboost_stopped,
    "HistGradientBoosting": hist_gradient_boosting,
}


def _inner(train: Examples, window: LabelWindow) -> Fold:
    newest = newest_months(train.as_of, train.y, window, _LEAST)
    return newest or customer_split(train.customer_id, 0.2, "inner")
