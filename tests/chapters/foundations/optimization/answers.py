"""Right and wrong answers to the exercises of the chapter *Optimisation*."""

from __future__ import annotations

import math

import torch


def adamw_by_torch(w, g, m, r, t, eta, decay):
    p = w.clone().requires_grad_()
    optimizer = torch.optim.AdamW([p], lr=eta, weight_decay=decay)
    p.grad = g.clone()
    optimizer.state[p] = {
        "step": torch.tensor(float(t - 1)),
        "exp_avg": m.clone(),
        "exp_avg_sq": r.clone(),
    }
    optimizer.step()
    state = optimizer.state[p]
    return p.detach(), state["exp_avg"], state["exp_avg_sq"]


def adamw_in_steps(w, g, m, r, t, eta, decay):
    new_m = m + (g - m) * (1 - 0.9)
    new_r = torch.lerp(r, g.square(), 0.001)
    size = torch.sqrt(new_r) / math.sqrt(1 - 0.999**t) + 1e-8
    new_w = w - eta * decay * w
    return new_w - eta / (1 - 0.9**t) * new_m / size, new_m, new_r


def adamw_in_double(w, g, m, r, t, eta, decay):
    w, g, m, r = w.double(), g.double(), m.double(), r.double()
    m = 0.9 * m + 0.1 * g
    r = 0.999 * r + 0.001 * g * g
    u = m / (1 - 0.9**t) / ((r / (1 - 0.999**t)) ** 0.5 + 1e-8)
    return w - eta * (u + decay * w), m, r


def adamw_as_a_list(w, g, m, r, t, eta, decay):
    return list(adamw_in_steps(w, g, m, r, t, eta, decay))


def _write(w, g, m, r, t, eta, decay, c1=True, c2=True, eps_in=False, root=True):
    m = 0.9 * m + (1 - 0.9) * g
    r = 0.999 * r + (1 - 0.999) * g * g
    a = m / (1 - 0.9**t) if c1 else m
    b = r / (1 - 0.999**t) if c2 else r
    if eps_in:
        u = a / torch.sqrt(b + 1e-8)
    elif root:
        u = a / (b**0.5 + 1e-8)
    else:
        u = a / (b + 1e-8)
    return w - eta * decay * w - eta * u, m, r


def adamw_uncorrected(w, g, m, r, t, eta, decay):
    return _write(w, g, m, r, t, eta, decay, c1=False, c2=False)


def adamw_r_uncorrected(w, g, m, r, t, eta, decay):
    return _write(w, g, m, r, t, eta, decay, c2=False)


def adamw_m_uncorrected(w, g, m, r, t, eta, decay):
    return _write(w, g, m, r, t, eta, decay, c1=False)


def adamw_counts_from_zero(w, g, m, r, t, eta, decay):
    t = t + 1
    return _write(w, g, m, r, t, eta, decay)


def adamw_penalty(w, g, m, r, t, eta, decay):
    g = g + w * decay
    return _write(w, g, m, r, t, eta, 0.0)


def adamw_no_decay(w, g, m, r, t, eta, decay):
    return _write(w, g, m, r, t, eta, 0.0)


def adamw_decay_without_rate(w, g, m, r, t, eta, decay):
    new, m, r = _write(w, g, m, r, t, eta, 0.0)
    return new - decay * w, m, r


def adamw_decay_at_the_end(w, g, m, r, t, eta, decay):
    new, m, r = _write(w, g, m, r, t, eta, 0.0)
    return new * (1 - eta * decay), m, r


def adamw_eps_in_root(w, g, m, r, t, eta, decay):
    return _write(w, g, m, r, t, eta, decay, eps_in=True)


def adamw_no_root(w, g, m, r, t, eta, decay):
    return _write(w, g, m, r, t, eta, decay, root=False)


def adamw_upwards(w, g, m, r, t, eta, decay):
    new, m, r = _write(w, g, m, r, t, eta, decay)
    return 2 * (w - eta * decay * w) - new, m, r


def adamw_not_squared(w, g, m, r, t, eta, decay):
    m = 0.9 * m + 0.1 * g
    r = 0.999 * r + 0.001 * g
    u = m / (1 - 0.9**t) / (torch.sqrt(r / (1 - 0.999**t)) + 1e-8)
    return (1 - eta * decay) * w - eta * u, m, r


def adamw_betas_exchanged(w, g, m, r, t, eta, decay):
    m = 0.999 * m + 0.001 * g
    r = 0.9 * r + 0.1 * g**2
    u = m / (1 - 0.999**t) / (torch.sqrt(r / (1 - 0.9**t)) + 1e-8)
    return (1 - eta * decay) * w - eta * u, m, r


def adamw_means_the_wrong_way(w, g, m, r, t, eta, decay):
    m = 0.1 * m + 0.9 * g
    r = 0.001 * r + 0.999 * g**2
    u = m / (1 - 0.1**t) / (torch.sqrt(r / (1 - 0.001**t)) + 1e-8)
    return (1 - eta * decay) * w - eta * u, m, r


def adamw_overwrites_means(w, g, m, r, t, eta, decay):
    m = (0.9 * m + 0.1 * g) / (1 - 0.9**t)
    r = (0.999 * r + 0.001 * g**2) / (1 - 0.999**t)
    return (1 - eta * decay) * w - eta * m / (r.sqrt() + 1e-8), m, r


def adamw_returns_old_means(w, g, m, r, t, eta, decay):
    return _write(w, g, m, r, t, eta, decay)[0], m, r


def adamw_in_place(w, g, m, r, t, eta, decay):
    m.mul_(0.9).add_(0.1 * g)
    r.mul_(0.999).add_(0.001 * g**2)
    u = m / (1 - 0.9**t) / ((r / (1 - 0.999**t)).sqrt() + 1e-8)
    return (1 - eta * decay) * w - eta * u, m, r


def warmup_by_min(t, warmup, total, peak):
    if warmup and t <= warmup:
        return peak * min(1.0, t / warmup)
    return 0.5 * peak * (1 + math.cos((t - warmup) * math.pi / (total - warmup)))


def warmup_by_squares(t, warmup, total, peak):
    rest = total - warmup
    fall = math.cos(math.pi / 2 * max(t - warmup, 0) / rest) ** 2
    rise = 1 if t >= warmup else t / warmup
    return peak * rise * fall


def warmup_as_a_tensor(t, warmup, total, peak):
    if t < warmup:
        return torch.tensor(peak * t / warmup)
    s = torch.tensor((t - warmup) / (total - warmup))
    return peak * (1 + torch.cos(torch.pi * s)) / 2


def warmup_cosine_from_zero(t, warmup, total, peak):
    if t < warmup:
        return t / warmup * peak
    return peak / 2 * (1 + math.cos(math.pi * t / total))


def warmup_cosine_not_shifted(t, warmup, total, peak):
    if t < warmup:
        return t / warmup * peak
    return peak / 2 * (1 + math.cos(math.pi * t / (total - warmup)))


def warmup_never_zero(t, warmup, total, peak):
    if t < warmup:
        return t / warmup * peak
    return peak / 2 * (1 + math.cos(math.pi * (t - warmup) / total))


def warmup_times_cosine(t, warmup, total, peak):
    rise = min(1, t / warmup) if warmup > 0 else 1
    return peak * rise * (1 + math.cos(math.pi * t / total)) / 2


def warmup_none(t, warmup, total, peak):
    return peak / 2 + peak / 2 * math.cos(math.pi * t / total)


def warmup_ahead(t, warmup, total, peak):
    if t < warmup:
        return (t + 1) / warmup * peak
    return warmup_by_min(t, warmup, total, peak)


def warmup_stays(t, warmup, total, peak):
    return peak if t >= warmup else peak * t / warmup


def warmup_straight(t, warmup, total, peak):
    if t < warmup:
        return peak * t / warmup
    return peak * (total - t) / (total - warmup)


def warmup_quarter(t, warmup, total, peak):
    if t < warmup:
        return peak * t / warmup
    return peak * math.cos(math.pi * (t - warmup) / (total - warmup) / 2)


def warmup_double(t, warmup, total, peak):
    if t < warmup:
        return peak * t / warmup
    return peak * (1 + math.cos(math.pi * (t - warmup) / (total - warmup)))


def warmup_negative(t, warmup, total, peak):
    if t < warmup:
        return peak * t / warmup
    return peak * math.cos(math.pi * (t - warmup) / (total - warmup))


def warmup_to_one(t, warmup, total, peak):
    return warmup_by_min(t, warmup, total, 1)


RIGHT = {
    "adamw_step": [adamw_by_torch, adamw_in_steps, adamw_in_double, adamw_as_a_list],
    "warmup_cosine": [warmup_by_min, warmup_by_squares, warmup_as_a_tensor],
}
WRONG = {
    "adamw_step": [
        (adamw_uncorrected, "You do not correct the means"),
        (adamw_r_uncorrected, "but not that of its square"),
        (adamw_m_uncorrected, "but not that of the gradient"),
        (adamw_counts_from_zero, "one update too many"),
        (adamw_penalty, "You add the decay to the gradient"),
        (adamw_no_decay, "There is no weight decay"),
        (adamw_decay_without_rate, "by `decay` alone"),
        (adamw_decay_at_the_end, "after the step"),
        (adamw_eps_in_root, "before you take the root"),
        (adamw_no_root, "the mean of the square itself"),
        (adamw_upwards, "up the gradient"),
        (adamw_not_squared, "It should be of its square"),
        (adamw_betas_exchanged, "exchanged the two β"),
        (adamw_means_the_wrong_way, "the other way round"),
        (adamw_overwrites_means, "the corrected ones"),
        (adamw_returns_old_means, "from before this update"),
        (adamw_in_place, "Make a new one"),
    ],
    "warmup_cosine": [
        (warmup_cosine_from_zero, "since update 0"),
        (warmup_cosine_not_shifted, "but count from update 0"),
        (warmup_never_zero, "not 0 at the last update"),
        (warmup_times_cosine, "one after the other"),
        (warmup_none, "no warm-up"),
        (warmup_ahead, "one update ahead"),
        (warmup_stays, "after the warm-up. It should fall"),
        (warmup_straight, "along a straight line"),
        (warmup_quarter, "a quarter of a cosine"),
        (warmup_double, "twice `peak`"),
        (warmup_negative, "becomes negative"),
        (warmup_to_one, "instead of `peak`"),
    ],
}
EQUIVALENT = {  # changes of the reference that are no mistakes
    "warmup_cosine": {
        "t - warmup → warmup - t": "the cosine is even",
        "total - warmup → warmup - total": "the cosine is even",
    },
}
