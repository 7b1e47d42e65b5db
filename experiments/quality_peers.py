"""Other libraries on the same task: one peer, run by `bench_quality.py` in an environment of its own.

    python quality_peers.py PEER DATA.npz SCORES.npy

DATA holds `flags` (n, months, P), held in May and in the months before it; `profile` (n, k); `acquired` (n,
P); `fold` (n,). Each fold of customers is scored by what was fitted on the others. Filters see the holdings
of all customers, and the acquisitions of those who are learnt from.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

THREADS, SEED = 2, 1
Floats = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Task:
    """Customers of a fold: all that a peer may see of those who are learnt from, and of the others."""

    flags: Floats
    profile: Floats
    acquired: Floats
    train: Floats

    @property
    def table(self) -> Floats:
        """Flags of all months, and the profile: the plain table, shape (n, columns)."""
        return np.column_stack([self.flags.reshape(len(self.flags), -1), self.profile]).astype(np.float32)

    @property
    def held(self) -> Floats:
        return self.flags[:, 0].astype(bool)

    @property
    def known(self) -> Floats:
        """What filters learn from: held in May, or acquired by customers who are learnt from."""
        return self.held | (self.acquired & self.train[:, None])


Peer = Callable[[Task], Floats]


def xgboost_multiclass(task: Task) -> Floats:
    """One multiclass model; a customer with three acquisitions gives three rows."""
    import xgboost

    row, product = np.nonzero(task.acquired & task.train[:, None])
    known, classes = np.unique(product, return_inverse=True)
    table = task.table
    settings = {
        "objective": "multi:softprob",
        "num_class": len(known),
        "eta": 0.05,
        "max_depth": 6,
        "subsample": 0.9,
        "colsample_bytree": 0.5,
        "min_child_weight": 5,
        "tree_method": "hist",
        "nthread": THREADS,
        "seed": SEED,
    }
    model = xgboost.train(settings, xgboost.DMatrix(table[row], classes), 120)
    scores = np.zeros(task.acquired.shape)
    scores[:, known] = model.predict(xgboost.DMatrix(table))
    return scores


def lightgbm_one_vs_rest(task: Task) -> Floats:
    """One binary model a product, on the customers who do not hold it."""
    import lightgbm

    table, scores = task.table, np.zeros(task.acquired.shape)
    for product in range(scores.shape[1]):
        rows = task.train & ~task.held[:, product]
        labels = task.acquired[rows, product]
        if labels.sum() < 2:
            continue
        model = lightgbm.LGBMClassifier(
            n_estimators=100, learning_rate=0.05, num_leaves=15, subsample=0.8, subsample_freq=1,
            colsample_bytree=0.5, min_child_samples=30, reg_lambda=5.0, n_jobs=THREADS, random_state=SEED,
            verbose=-1,
        )  # fmt: skip
        model.fit(table[rows], labels)
        scores[:, product] = model.predict_proba(table)[:, 1]
    return scores


def _lenskit(scorer: Any, task: Task) -> Floats:
    """Train a scorer of LensKit, and score each different basket once."""
    import pandas
    from lenskit.data import ItemList, RecQuery, from_interactions_df

    user, item = np.nonzero(task.known)
    data = from_interactions_df(pandas.DataFrame({"user_id": user, "item_id": item}))
    scorer.train(data)
    baskets, which = np.unique(task.held, axis=0, return_inverse=True)
    everything, scores = np.arange(task.held.shape[1]), np.zeros(baskets.shape)
    for row, basket in enumerate(baskets):
        if basket.any():
            query = RecQuery(user_items=ItemList(item_ids=np.flatnonzero(basket)))
            scores[row] = np.nan_to_num(scorer(query, ItemList(item_ids=everything)).scores())
    popular = task.known.mean(
        axis=0
    )  # who holds nothing, or whose holdings say nothing, gets what is popular
    return scores[which.reshape(-1)] + 1e-6 * popular


def lenskit_ease(task: Task) -> Floats:
    from lenskit.knn import EASEScorer

    return _lenskit(EASEScorer(regularization=500.0), task)


def lenskit_knn(task: Task) -> Floats:
    from lenskit.knn import ItemKNNScorer

    return _lenskit(ItemKNNScorer(max_nbrs=20, feedback="implicit"), task)


def implicit_als(task: Task) -> Floats:
    """Factors of implicit, scored by their product: its lists pad short catalogues."""
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix

    model = AlternatingLeastSquares(
        factors=8, regularization=1.0, alpha=2.0, iterations=15, num_threads=THREADS, random_state=SEED
    )
    model.fit(csr_matrix(task.known, dtype=np.float32), show_progress=False)
    users = np.arange(len(task.held))
    factors = model.recalculate_user(users, csr_matrix(task.held, dtype=np.float32))
    return np.asarray(factors @ model.item_factors.T)


def implicit_bm25(task: Task) -> Floats:
    """Item-item neighbours of implicit."""
    from implicit.nearest_neighbours import BM25Recommender
    from scipy.sparse import csr_matrix

    model = BM25Recommender(K=task.held.shape[1], num_threads=THREADS)
    model.fit(csr_matrix(task.known, dtype=np.float32), show_progress=False)
    return np.asarray(csr_matrix(task.held, dtype=np.float32) @ model.similarity.toarray())


def rectools_two_stage(task: Task) -> Floats:
    """Candidates of two first-stage models, ordered by a booster over pairs: the table, and the pair's flags.

    Interactions of May are the history, acquisitions of June the targets: a splitter by time divides them.
    """
    import lightgbm
    import pandas
    from implicit.nearest_neighbours import CosineRecommender
    from rectools import Columns
    from rectools.dataset import Dataset
    from rectools.model_selection import TimeRangeSplitter
    from rectools.models import ImplicitItemKNNWrapperModel, PopularModel
    from rectools.models.ranking import (
        CandidateFeatureCollector,
        CandidateGenerator,
        CandidateRankingModel,
        PerUserNegativeSampler,
        Reranker,
    )

    products = task.held.shape[1]
    table, flags = task.table, task.flags

    class Collector(CandidateFeatureCollector):
        """Adds the customer's table, the product, and its flags in each month."""

        def collect_features(self, useritem: Any, dataset: Any, fold_info: Any) -> Any:
            users, items = useritem[Columns.User].to_numpy(), useritem[Columns.Item].to_numpy()
            own = pandas.DataFrame(flags[users, :, items], columns=[f"lag{n}" for n in range(flags.shape[1])])
            wide = pandas.DataFrame(table[users], columns=[f"c{n}" for n in range(table.shape[1])])
            return pandas.concat([useritem.reset_index(drop=True), own, wide], axis=1).assign(product=items)

    def rows(mask: Floats, day: str) -> Any:
        user, item = np.nonzero(mask)
        return pandas.DataFrame(
            {
                Columns.User: user,
                Columns.Item: item,
                Columns.Weight: 1,
                Columns.Datetime: pandas.Timestamp(day),
            }
        )

    new = task.acquired & task.train[:, None] & ~task.held
    history = rows(task.held, "2015-05-28")
    # everybody is in the history, who holds nothing by a product that nobody can be offered
    nothing = pandas.DataFrame({Columns.User: np.arange(len(task.held)), Columns.Item: products})
    nothing = nothing.assign(**{Columns.Weight: 1, Columns.Datetime: pandas.Timestamp("2015-05-28")})
    dataset = Dataset.construct(pandas.concat([history, nothing, rows(new, "2015-06-28")], ignore_index=True))
    generators = [
        CandidateGenerator(PopularModel(), products, keep_ranks=True, keep_scores=True),
        CandidateGenerator(
            ImplicitItemKNNWrapperModel(CosineRecommender(K=products)), products, True, True, 0.0, products
        ),
    ]
    booster = lightgbm.LGBMClassifier(
        n_estimators=300, learning_rate=0.05, num_leaves=31, n_jobs=THREADS, random_state=SEED, verbose=-1
    )
    splitter = TimeRangeSplitter("14D", n_splits=1, filter_already_seen=True)
    model = CandidateRankingModel(
        generators, splitter, Reranker(booster), PerUserNegativeSampler(products, SEED), Collector()
    )
    model.fit(dataset)
    users, offered = np.flatnonzero(~task.train), np.arange(products)
    found = model.recommend(users, dataset, products, filter_viewed=True, items_to_recommend=offered)
    scores = np.full(task.held.shape, -1.0)
    scores[found[Columns.User], found[Columns.Item]] = found[Columns.Score]
    return scores


PEERS: dict[str, tuple[tuple[str, ...], Peer]] = {
    "xgboost multiclass": (("xgboost-cpu>=3.1,<4", "scipy"), xgboost_multiclass),
    "lightgbm one-vs-rest": (("lightgbm>=4.6,<5", "scikit-learn", "pandas>=2.2,<4"), lightgbm_one_vs_rest),
    "lenskit EASE": (("lenskit>=2025.8", "torch<2.14", "scipy>=1.17"), lenskit_ease),
    "lenskit kNN": (("lenskit>=2025.8", "torch<2.14", "scipy>=1.17"), lenskit_knn),
    "implicit ALS": (("implicit>=0.7.2,<0.8",), implicit_als),
    "implicit BM25": (("implicit>=0.7.2,<0.8",), implicit_bm25),
    "rectools two-stage": (
        ("rectools>=0.19", "lightgbm>=4.6,<5", "scikit-learn", "pandas<3"),
        rectools_two_stage,
    ),
}
"""Peer -> what its environment needs besides numpy, and how it scores."""


def main(name: str, data: str, target: str) -> None:
    given = np.load(data)
    scores = np.zeros(given["acquired"].shape)
    for fold in np.unique(given["fold"]):
        judged = given["fold"] == fold
        task = Task(given["flags"], given["profile"], given["acquired"], ~judged)
        scores[judged] = PEERS[name][1](task)[judged]
    np.save(target, scores)


if __name__ == "__main__":
    main(*sys.argv[1:])
