"""Makes statistics.json.gz: what SciPy, statsmodels and mpmath say where results/analysis computes the same.

    python3 -m venv judge && judge/bin/pip install scipy==1.17.1 statsmodels==0.15.0 mpmath
    judge/bin/python results/testdata/statistics.py | gzip -9n > results/testdata/statistics.json.gz

Only results/analysis/reference_test.cpp reads the file. Random inputs are written out, so nothing depends on NumPy's
generators. Resampling draws from Philox4x32-10 as results/analysis/bootstrap.h describes it; the few lines of it
below are from Salmon et al. 2011.
"""
import json

import mpmath
import numpy as np
import scipy
import scipy.stats as st
import statsmodels
import statsmodels.api as sm
from scipy import optimize, special
from scipy.stats import _resampling
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

mpmath.mp.dps = 50
rng = np.random.default_rng(20261122)
out = {"made_with": {"scipy": scipy.__version__, "statsmodels": statsmodels.__version__, "numpy": np.__version__,
                     "mpmath": mpmath.__version__}}


def clean(x):
    """Plain JSON numbers of NumPy's."""
    if isinstance(x, dict):
        return {k: clean(v) for k, v in x.items()}
    if isinstance(x, (list, tuple, np.ndarray)):
        return [clean(v) for v in x]
    if isinstance(x, (np.bool_, bool)):
        return bool(x)
    if isinstance(x, (np.integer, int)):
        return int(x)
    return x if isinstance(x, str) else float(x)


# Distributions. mpmath where SciPy's own double precision ends.
out["incomplete_beta"] = [
    {"a": a, "b": b, "x": x, "value": mpmath.betainc(a, b, 0, mpmath.mpf(x), regularized=True)}
    for a, b, x in [(0.5, 0.5, 0.3), (0.5, 30, 1e-12), (2, 3, 0.4), (20, 3, 0.05), (1e-3, 2, 0.5), (150, 250, 0.3),
                    (1500.5, 0.5, 0.99), (15, 17, 0.5), (16, 16, 0.5001), (300, 5, 0.9), (4000, 6000, 0.41)]]
out["incomplete_beta"] += [{"a": a, "b": b, "x": x, "value": special.betainc(a, b, x)}
                           for a, b, x in [(5e4, 5e4, 0.501), (1e6, 3e6, 0.2498), (1e6, 0.5, 0.999999)]]
out["beta_quantile"] = [{"a": a, "b": b, "p": p, "value": special.betaincinv(a, b, p)}
                        for a in (0.5, 1, 3, 40, 900.25) for b in (0.5, 2, 77)
                        for p in (1e-6, 0.025, 0.5, 0.9, 0.975)]
out["t_quantile"] = [{"df": df, "p": p, "value": st.t.ppf(p, df)} for df in (1, 1.5, 2, 4, 29, 197, 1e4, 1e7)
                     for p in (1e-8, 0.005, 0.025, 0.3, 0.6, 0.95, 0.975, 0.9995)]
out["t_two_sided_p"] = [
    {"df": df, "t": t, "value": mpmath.betainc(mpmath.mpf(df) / 2, mpmath.mpf("0.5"), 0,
                                               df / (df + mpmath.mpf(t) ** 2), regularized=True)}
    for df in (1, 4, 29, 500) for t in (0.0, 1e-9, 0.3, -2.1, 9.0, 40.0)]
out["normal_cdf"] = [{"x": x, "value": st.norm.cdf(x)} for x in (-30.0, -8.0, -1.96, 0.0, 0.5, 3.0)]
out["normal_quantile"] = [{"p": p, "value": st.norm.ppf(p)} for p in (1e-300, 1e-12, 0.025, 0.2, 0.7, 0.975, 0.999999)]
out["binomial_cdf"] = [{"k": k, "n": n, "p": p, "value": st.binom.cdf(k, n, p)}
                       for k, n, p in [(0, 1, 0.5), (3, 10, 0.5), (20, 60, 0.5), (480, 1000, 0.5), (5, 400, 0.01),
                                       (10, 300, 0.5), (-1, 5, 0.3), (5, 5, 0.3), (299, 300, 0.99)]]

# Intervals of proportions.
out["wilson"] = [{"x": x, "n": n, "level": level, "value": proportion_confint(x, n, 1 - level, "wilson")}
                 for x, n in [(0, 30), (1, 7), (24, 30), (99, 198), (400, 500), (30, 30)] for level in (0.9, 0.95, 0.99)]
out["clopper_pearson"] = [{"x": x, "n": n, "level": level, "value": proportion_confint(x, n, 1 - level, "beta")}
                          for x, n in [(0, 30), (1, 1), (24, 30), (99, 198), (400, 500), (30, 30), (3, 20000)]
                          for level in (0.9, 0.95, 0.99)]
out["beta_posterior"] = [
    {"x": x, "n": n, "prior": prior, "level": level,
     "value": st.beta.interval(level, prior[0] + x, prior[1] + n - x)}
    for x, n in [(0, 0), (0, 30), (24, 30), (22.75, 31.2), (500, 500)] for prior in ([1, 1], [0.5, 0.5])
    for level in (0.9, 0.95)]

# Errors of means. Clusters: an OLS fit of a constant with clustered errors.
labels = [str(i) for i in rng.integers(0, 7, 40)]
values = np.round(rng.random(40), 3)
fit = lambda corrected: sm.OLS(values, np.ones(40)).fit(  # noqa: E731
    cov_type="cluster", cov_kwds={"groups": np.array([int(i) for i in labels]), "use_correction": corrected})
out["clustered"] = {"values": values, "labels": labels, "plain": st.sem(values), "cr0": fit(False).bse[0],
                    "corrected": fit(True).bse[0]}
t_cases = [(0.5, 0.1, 4, 0.95), (-0.2, 0.03, 29, 0.9), (0.8, 0.02, 499, 0.99)]
out["t_interval"] = [{"mean": m, "se": se, "df": df, "level": level, "value": st.t.interval(level, df, m, se)}
                     for m, se, df, level in t_cases]
rows = [np.round(rng.random(k), 2) for k in (3, 5, 2, 1, 4, 1, 6)]  # the number of samples differs
known = [np.var(r, ddof=1) for r in rows if len(r) > 1]
sampling = np.mean([(np.var(r, ddof=1) if len(r) > 1 else np.mean(known)) / len(r) for r in rows])
out["split_variance"] = {"scores": rows, "within": np.mean(known), "sampling": sampling,
                         "between": max(0, np.var([np.mean(r) for r in rows], ddof=1) - sampling),
                         "fixed": np.sqrt(sampling / len(rows))}

# Paired tests.
a, b = np.round(rng.random((2, 25)), 2)
test = st.ttest_rel(a, b)
out["paired"] = {"a": a, "b": b, "difference": np.mean(a - b), "se": st.sem(a - b), "p_value": test.pvalue,
                 "correlation": st.pearsonr(a, b)[0],
                 "ci90": list(test.confidence_interval(0.90)), "ci95": list(test.confidence_interval(0.95))}
cut = labels[:25]
fit25 = sm.OLS(a - b, np.ones(25)).fit(
    cov_type="cluster", use_t=True,
    cov_kwds={"groups": np.array([int(i) for i in cut]), "use_correction": True, "df_correction": True})
out["paired_clustered"] = {"labels": cut, "se": fit25.bse[0], "p_value": fit25.pvalues[0], "ci95": fit25.conf_int()[0]}
out["mcnemar"] = [{"b": x, "c": y, "p_value": mcnemar([[0, x], [y, 0]], exact=True).pvalue}
                  for x, y in [(1, 5), (2, 10), (20, 40), (5, 5), (0, 9), (0, 60), (400, 470)]]
signs = []
for n in (1, 2, 5, 11, 13):
    d = np.round(rng.normal(0.1, 0.3, n), 2)
    result = st.permutation_test((d,), np.sum, permutation_type="samples", n_resamples=np.inf, alternative="two-sided") \
        if n > 1 else None
    signs.append({"d": d, "p_value": 1.0 if n == 1 else result.pvalue})
d = np.array([0.25, -0.5, 0.25, 0.75, 0.0, 0.5, -0.25, 0.5])  # ties
signs.append({"d": d, "p_value": st.permutation_test((d,), np.sum, permutation_type="samples", n_resamples=np.inf).pvalue})
out["sign_flip"] = signs
ps = [0.01, 0.04, 0.03, 0.005, 0.03, 0.9, 0.2]
out["holm"] = {"p": ps, "adjusted": multipletests(ps, method="holm")[1]}


# Bootstrap: our draws, SciPy's intervals.
def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & 0xFFFFFFFF, (p0 >> 32) ^ c[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def draws(n, resample, seed):
    words = []
    for call in range((n + 3) // 4):
        words += philox([call, resample, 0, 0], [seed & 0xFFFFFFFF, seed >> 32])
    return [w * n >> 32 for w in words[:n]]


def bca(data, statistic, estimate_b, level):
    interval = _resampling._bca_interval(data, statistic, -1, (1 - level) / 2, np.asarray(estimate_b), None, xp=np)[:2]
    return [np.quantile(estimate_b, float(q)) for q in interval]


N_RESAMPLES, SEED = 2000, 2**33 + 7
picks = lambda n: [draws(n, r, SEED) for r in range(N_RESAMPLES)]  # noqa: E731
items = np.array([1, 0.75, 0, 0.25, 1, 1, 0.5, 0.875, 0.125, 1, 0, 1])
means_b = np.array([items[p].mean() for p in picks(12)])
stat = lambda x, axis: np.mean(x, axis=axis)  # noqa: E731
out["bootstrap_mean"] = {
    "n_resamples": N_RESAMPLES, "seed": SEED, "items": items, "standard_error": means_b.std(ddof=1),
    "percentile": np.quantile(means_b, [0.025, 0.975]), "bca": bca((items,), stat, means_b, 0.95),
    "percentile80": np.quantile(means_b, [0.1, 0.9]), "bca80": bca((items,), stat, means_b, 0.8)}
num, den = np.round(rng.gamma(2, 3, 15), 3), rng.integers(0, 3, 15).astype(float)
ratios_b = np.array([num[p].sum() / den[p].sum() for p in picks(15)])
# SciPy's jackknife leaves out elements of each sample alike when they are stacked, as its paired mode does.
ratio = lambda i, axis=-1: num[i.astype(int)].sum(axis) / den[i.astype(int)].sum(axis)  # noqa: E731
out["bootstrap_ratio"] = {"numerators": num, "denominators": den,
                          "percentile": np.quantile(ratios_b, [0.025, 0.975]),
                          "bca": bca((np.arange(15),), ratio, ratios_b, 0.95)}
clusters = [np.round(rng.lognormal(5, 1, k), 1) for k in (3, 1, 4, 2, 5, 2, 3)]
for name, q in (("median", 0.5), ("p90", 0.9)):
    quantiles_b = [np.quantile(np.concatenate([clusters[c] for c in p]), q) for p in picks(7)]
    out["bootstrap_" + name] = {"clusters": clusters, "ci95": np.quantile(quantiles_b, [0.025, 0.975])}

# Fieller: the two roots, found by bisection of its defining equation.
y, x = np.round(rng.gamma(3, 2, 20), 3), np.round(rng.random(20), 3)
t = st.t.ppf(0.975, 19)
gap = lambda r: abs(np.mean(y) - r * np.mean(x)) - t * st.sem(y - r * x)  # noqa: E731
centre = np.mean(y) / np.mean(x)
out["fieller"] = {"numerators": y, "denominators": x, "ratio": centre,
                  "ci95": [optimize.brentq(gap, 0, centre, xtol=1e-14), optimize.brentq(gap, centre, 1e4, xtol=1e-14)]}

# Power, by its formulas over SciPy's normal distribution.
z = st.norm.ppf(0.975) + st.norm.ppf(0.8)
power = []
for omega2, sa, sb, ka, kb, n, delta in [(1 / 9, 0, 0, 1, 1, 969, 0.03), (1 / 9, 1 / 6, 1 / 6, 10, 10, 198, 0.05),
                                         (1 / 9, 1 / 6, 1 / 12, 64, 16, 30, -0.1), (0, 0.2, 0.2, 1, 4, 500, 0.02)]:
    v = omega2 + sa / ka + sb / kb
    se = np.sqrt(v / n)
    power.append({"between": omega2, "within_a": sa, "within_b": sb, "samples_a": ka, "samples_b": kb, "n": n,
                  "difference": delta, "detectable": z * se, "needed": np.ceil(z * z * v / delta**2),
                  "power": st.norm.cdf(abs(delta) / se - st.norm.ppf(0.975)) + st.norm.sf(abs(delta) / se + st.norm.ppf(0.975))})
out["power"] = power

# pass@k and pass^k by exact binomial coefficients.
out["pass_at_k"] = [{"n": n, "c": c, "k": k, "pass": 1 - mpmath.binomial(n - c, k) / mpmath.binomial(n, k),
                     "hat": mpmath.binomial(c, k) / mpmath.binomial(n, k)}
                    for n, c, k in [(1, 1, 1), (64, 1, 64), (64, 32, 8), (200, 13, 10), (1000, 3, 2), (100000, 1, 3),
                                    (10, 0, 4), (10, 10, 10)]]
print(json.dumps(clean(out)))
