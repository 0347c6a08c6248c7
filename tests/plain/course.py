"""A course in nbgrader's own format: none of our tools, and checks as teachers write them.

Each ``Style`` is one way to ask and to check, with a right and a wrong answer. ``PARTS`` are the notebooks of the one
assignment.
"""

from dataclasses import dataclass, field

#: Files that the teacher puts beside the notebooks, and one that a learner hands in with them.
TEACHERS_FILES = {
    "numbers.csv": "a,b\n1,2\n3,4\n",
    "log.txt": "begun\n",
    "given.py": "def double(x):\n    return 2 * x\n",
    "data/words.txt": "one two three\n",
}
LEARNERS_FILES = {"handed_in.py": "def triple(x):\n    return 3 * x\n"}


@dataclass(frozen=True)
class Style:
    """One exercise, and how it is checked.

    Attributes:
        name: its check's ``grade_id``; the answer's is ``name`` and ``-answer``.
        right, wrong: two answers.
        check: the check cell, or nothing if a person grades the answer.
        points: what it is worth.
        before: a locked cell before the answer.
        after: an ordinary cell between answer and check.
        kind: ``"markdown"`` for an answer in words, ``"task"`` for nbgrader's tasks.
    """

    name: str
    right: str
    wrong: str
    check: str = ""
    points: float = 2
    before: str = ""
    after: str = ""
    kind: str = "code"


@dataclass(frozen=True)
class Part:
    """One notebook."""

    name: str
    styles: list[Style] = field(default_factory=list)


NAMES = [
    Style(
        "global_replaced",
        "def price(x):\n    return 10 * x\n\ndef bill(items):\n    return sum(price(x) for x in items)",
        "def price(x):\n    return 10 * x\n\ndef bill(items):\n    return sum(10 * x for x in items)",
        "kept = price\nprice = lambda x: 1\ntry:\n    assert bill([5, 6]) == 2\nfinally:\n    price = kept\n"
        "assert bill([1, 2]) == 30",
    ),
    Style(
        "global_deleted",
        "def square(x):\n    return x * x\n\ndef sum_of_squares(xs):\n    return sum(square(x) for x in xs)",
        "def square(x):\n    return x * x\n\ndef sum_of_squares(xs):\n    return sum(x * x for x in xs)",
        "assert sum_of_squares([1, 2]) == 5\norig_square = square\ndel square\ntry:\n    sum_of_squares([1])\n"
        "except NameError:\n    pass\nelse:\n    raise AssertionError('sum_of_squares does not use square')\n"
        "finally:\n    square = orig_square",
    ),
    Style(
        "global_patched",
        "def load():\n    return [1]\n\ndef count():\n    return len(load())",
        "def load():\n    return [1]\n\ndef count():\n    return 1",
        "from unittest import mock\nwith mock.patch('__main__.load', return_value=[1, 2, 3]):\n    assert count() == 3",
    ),
    Style(
        "global_counted",
        "calls = 0\n\ndef touch():\n    global calls\n    calls += 1",
        "calls = 0\n\ndef touch():\n    calls = 1",
        "calls = 5\ntouch()\ntouch()\nassert calls == 7, calls",
    ),
    Style("variable", "answer = 6 * 7", "answer = 6 * 6", "assert answer == 42\nassert type(answer) is int"),
    Style("list_variable", "primes = [2, 3, 5]", "primes = (2, 3, 5)", "assert primes == [2, 3, 5]\nprimes.append(7)"),
    Style(
        "variable_of_a_check",
        "def half(x):\n    return x / 2",
        "def half(x):\n    return x // 2",
        "assert half(limit) == 4.5",
        before="limit = 9",
    ),
    Style(
        "helper_of_a_check",
        "def inc(x):\n    return x + 1",
        "def inc(x):\n    return x",
        "def same(a, b):\n    assert a == b, f'{a} is not {b}'\n\nsame(inc(1), 2)",
    ),
    Style("helper_used_later", "def dec(x):\n    return x - 1", "def dec(x):\n    return x", "same(dec(1), 0)"),
    Style(
        "result_used_later",
        "later = 1",
        "later = 2",
        "assert from_check == 3 and later == 1",
        after="try:\n    from_check = same(1, 1) or 3\nexcept NameError:\n    from_check = 0",
    ),
    Style(
        "printed",
        "def greet(name):\n    print('Hello,', name)",
        "def greet(name):\n    return f'Hello, {name}'",
        "import contextlib, io\nout = io.StringIO()\nwith contextlib.redirect_stdout(out):\n    greet('Ada')\n"
        "assert out.getvalue() == 'Hello, Ada\\n'",
    ),
    Style(
        "stdout_replaced",
        "def shout():\n    print('HEY')",
        "def shout():\n    print('hey')",
        "import io, sys\nkept, sys.stdout = sys.stdout, io.StringIO()\ntry:\n    shout()\n"
        "    text = sys.stdout.getvalue()\nfinally:\n    sys.stdout = kept\nassert text.strip() == 'HEY'",
    ),
    Style(
        "captured_by_magic",
        "def show():\n    print('shown')",
        "def show():\n    pass",
        "from IPython.utils.capture import capture_output\nwith capture_output() as seen:\n    show()\n"
        "assert 'shown' in seen.stdout",
    ),
    Style(
        "source_read",
        "def total(xs):\n    return sum(xs)",
        "def total(xs):\n    t = 0\n    for x in xs:\n        t += x\n    return t",
        "import inspect\nassert total([1, 2]) == 3\nassert 'for ' not in inspect.getsource(total)",
    ),
    Style(
        "syntax_tree_read",
        "def power(x, n):\n    return 1 if n == 0 else x * power(x, n - 1)",
        "def power(x, n):\n    return x ** n",
        "import ast, inspect\ntree = ast.parse(inspect.getsource(power))\nassert power(2, 3) == 8\n"
        "assert not any(isinstance(node, ast.Pow) for node in ast.walk(tree))",
    ),
    Style(
        "signature_read",
        "def area(width, height=1, *, unit='m'):\n    return f'{width * height} {unit}'",
        "def area(width, height, unit='m'):\n    return f'{width * height} {unit}'",
        "import inspect\nassert list(inspect.signature(area).parameters) == ['width', 'height', 'unit']\n"
        "assert area(2) == '2 m'\nassert area(height=3, width=2, unit='cm') == '6 cm'",
    ),
    Style("docstring_read", "def f():\n    '''Says f.'''", "def f():\n    pass", "assert f.__doc__"),
    Style(
        "doctest",
        "def twice(x):\n    '''\n    >>> twice(2)\n    4\n    '''\n    return 2 * x",
        "def twice(x):\n    '''\n    >>> twice(2)\n    4\n    '''\n    return x",
        "import doctest\ntests = doctest.DocTestFinder().find(twice, 'twice', globs={'twice': twice})\n"
        "runner = doctest.DocTestRunner(verbose=False)\n"
        "assert tests and all(runner.run(one, out=lambda text: None).failed == 0 for one in tests)",
    ),
    Style(
        "input_replaced",
        "def ask():\n    return int(input('How many? '))",
        "def ask():\n    return input('How many? ')",
        "import builtins\nkept, builtins.input = builtins.input, lambda prompt='': '7'\ntry:\n    assert ask() == 7\n"
        "finally:\n    builtins.input = kept",
    ),
    Style("history", "1 + 1", "1 + 2", "assert last == 2 and 'In' in globals()", after="last = Out[max(Out)]"),
    Style("shell", "files = !echo here", "files = !echo there", "assert list(files) == ['here']"),
    Style(
        "awaited",
        "async def fetch():\n    return 5",
        "def fetch():\n    return 5",
        "import inspect\nassert inspect.iscoroutinefunction(fetch)\nassert (await fetch()) == 5",
    ),
    Style(
        "partial_credit",
        "def sign(x):\n    return (x > 0) - (x < 0)",
        "def sign(x):\n    return 1",
        "marks = 0\nfor value, wanted in [(3, 1), (1, 1), (0, 0), (-2, -1)]:\n    marks += sign(value) == wanted\nmarks",
        points=4,
    ),
    Style(
        "partial_credit_of_a_fraction",
        "def parity(x):\n    return 'odd' if x % 2 else 'even'",
        "def parity(x):\n    return 'odd'",
        "sum(0.75 for x, y in [(1, 'odd'), (2, 'even')] if parity(x) == y)",
        points=1.5,
    ),
    Style("words_displayed", "word = 'yes'", "word = None", "assert word\nword", points=3),
    Style("no_points", "bonus = 1", "bonus = 2", "assert bonus == 1", points=0),
    Style(
        "warning_counts_as_wrong",
        "def quiet():\n    return 1",
        "import warnings\n\ndef quiet():\n    warnings.warn('loud')\n    return 1",
        "assert quiet() == 1",
    ),
    Style(
        "hidden_tests",
        "def odd(x):\n    return x % 2 == 1",
        "def odd(x):\n    return x in (1, 3)",
        "assert odd(3)\n### BEGIN HIDDEN TESTS\nassert odd(5)\n### END HIDDEN TESTS",
    ),
    Style("by_a_person", "def anything():\n    return 'at all'", "def anything():\n    raise ValueError", points=5),
    Style("in_words", "It is a *layer*.", "I do not know.", points=3, kind="markdown"),
    Style("a_task", "Write anything below.", "Write anything below.", points=2, kind="task"),
    Style("nothing_defined", "needed = 3", "", "assert needed == 3"),
    Style("syntax_error", "fine = 1", "def broken(:\n    pass", "assert fine == 1"),
]

OBJECTS = [
    Style(
        "objects_compared",
        "class Point:\n    def __init__(self, x, y):\n        self.x, self.y = x, y\n\n    def __eq__(self, other):\n"
        "        return (self.x, self.y) == (other.x, other.y)",
        "class Point:\n    def __init__(self, x, y):\n        self.x, self.y = x, y",
        "assert Point(1, 2) == Point(1, 2)\nassert Point(1, 2) != Point(2, 1)",
    ),
    Style(
        "objects_hashed",
        "class Key:\n    def __init__(self, k):\n        self.k = k\n\n    def __eq__(self, other):\n"
        "        return self.k == other.k\n\n    def __hash__(self):\n        return hash(self.k)",
        "class Key:\n    def __init__(self, k):\n        self.k = k",
        "assert len({Key(1), Key(1), Key(2)}) == 2\nassert {Key(1): 'one'}[Key(1)] == 'one'",
    ),
    Style(
        "objects_ordered",
        "import functools\n\n@functools.total_ordering\nclass Card:\n    def __init__(self, n):\n        self.n = n\n\n"
        "    def __eq__(self, other):\n        return self.n == other.n\n\n    def __lt__(self, other):\n"
        "        return self.n < other.n",
        "class Card:\n    def __init__(self, n):\n        self.n = n\n\n    def __lt__(self, other):\n"
        "        return self.n > other.n",
        "cards = sorted([Card(3), Card(1), Card(2)])\nassert [card.n for card in cards] == [1, 2, 3]\n"
        "assert max(cards).n == 3",
    ),
    Style(
        "operators",
        "class Money:\n    def __init__(self, n):\n        self.n = n\n\n    def __add__(self, other):\n"
        "        return Money(self.n + other.n)\n\n    def __repr__(self):\n        return f'Money({self.n})'\n\n"
        "    def __bool__(self):\n        return self.n != 0",
        "class Money:\n    def __init__(self, n):\n        self.n = n\n\n    def __add__(self, other):\n"
        "        return Money(self.n)\n\n    def __repr__(self):\n        return f'Money({self.n})'",
        "assert repr(Money(1) + Money(2)) == 'Money(3)'\nassert not Money(0)",
    ),
    Style(
        "length_and_items",
        "class Bag:\n    def __init__(self):\n        self.all = []\n\n    def __len__(self):\n        return len(self.all)\n\n"
        "    def __contains__(self, x):\n        return x in self.all\n\n    def add(self, x):\n        self.all.append(x)",
        "class Bag:\n    def __init__(self):\n        self.all = []\n\n    def __len__(self):\n        return 1\n\n"
        "    def __contains__(self, x):\n        return True\n\n    def add(self, x):\n        self.all.append(x)",
        "bag = Bag()\nassert not bag\nbag.add(3)\nassert 3 in bag and 4 not in bag and len(bag) == 1",
    ),
    Style(
        "dataclass",
        "from dataclasses import dataclass\n\n@dataclass(frozen=True)\nclass Book:\n    title: str\n    pages: int = 0",
        "class Book:\n    def __init__(self, title, pages=0):\n        self.title, self.pages = title, pages",
        "import dataclasses\nassert [f.name for f in dataclasses.fields(Book)] == ['title', 'pages']\n"
        "assert Book('a') == Book('a', 0)\nassert dataclasses.asdict(Book('a', 3)) == {'title': 'a', 'pages': 3}\n"
        "try:\n    Book('a').title = 'b'\nexcept dataclasses.FrozenInstanceError:\n    pass\nelse:\n    assert False",
    ),
    Style(
        "inherited",
        "class Shape:\n    def area(self):\n        raise NotImplementedError\n\n    def twice(self):\n"
        "        return 2 * self.area()",
        "class Shape:\n    def area(self):\n        return 0\n\n    def twice(self):\n        return 0",
        "class Square(Shape):\n    def area(self):\n        return 9\n\nassert Square().twice() == 18\n"
        "assert issubclass(Square, Shape) and isinstance(Square(), Shape)",
    ),
    Style(
        "property_and_class_attribute",
        "class Circle:\n    made = 0\n\n    def __init__(self, r):\n        self.r = r\n        Circle.made += 1\n\n"
        "    @property\n    def size(self):\n        return 3 * self.r ** 2",
        "class Circle:\n    made = 0\n\n    def __init__(self, r):\n        self.r = r\n\n    def size(self):\n"
        "        return 3 * self.r ** 2",
        "assert Circle(2).size == 12\nassert Circle.made == 1\nassert isinstance(Circle.size, property)",
    ),
    Style(
        "own_exception",
        "class TooSmall(ValueError):\n    pass\n\ndef root(x):\n    if x < 0:\n"
        "        raise TooSmall(f'{x} is too small')\n    return x ** 0.5",
        "class TooSmall(ValueError):\n    pass\n\ndef root(x):\n    if x < 0:\n        raise ValueError('no')\n"
        "    return x ** 0.5",
        "try:\n    root(-1)\nexcept TooSmall as error:\n    assert str(error) == '-1 is too small'\n"
        "    assert error.args == ('-1 is too small',)\nelse:\n    raise AssertionError('nothing raised')",
    ),
    Style(
        "raises_with_a_message",
        "def first(xs):\n    if not xs:\n        raise IndexError('the list is empty')\n    return xs[0]",
        "def first(xs):\n    return xs[0]",
        "import pytest\nwith pytest.raises(IndexError, match='is empty'):\n    first([])\nassert first([4]) == 4",
    ),
    Style(
        "unittest",
        "def clamp(x, low, high):\n    return min(max(x, low), high)",
        "def clamp(x, low, high):\n    return max(x, low)",
        "import unittest\n\nclass TestClamp(unittest.TestCase):\n    def test_low(self):\n"
        "        self.assertEqual(clamp(-1, 0, 5), 0)\n\n    def test_high(self):\n"
        "        self.assertEqual(clamp(9, 0, 5), 5)\n\n"
        "suite = unittest.defaultTestLoader.loadTestsFromTestCase(TestClamp)\n"
        "result = suite.run(unittest.TestResult())\nassert result.wasSuccessful(), result.failures",
    ),
    Style(
        "unittest_assertions",
        "def evens(n):\n    return {2 * i for i in range(n)}",
        "def evens(n):\n    return [2 * i for i in range(n)]",
        "from unittest import TestCase\nTestCase().assertSetEqual(evens(3), {0, 2, 4})",
    ),
    Style(
        "numpy_testing",
        "import numpy as np\n\ndef unit(v):\n    return v / np.linalg.norm(v)",
        "import numpy as np\n\ndef unit(v):\n    return v / np.sum(v)",
        "import numpy as np\nnp.testing.assert_allclose(unit(np.array([3.0, 4.0])), [0.6, 0.8], rtol=1e-6)\n"
        "assert unit(np.array([0.0, 2.0])).shape == (2,)",
    ),
    Style(
        "data_frame",
        "import pandas as pd\n\ndef table():\n    return pd.DataFrame({'a': [1, 2], 'b': ['x', 'y']})",
        "import pandas as pd\n\ndef table():\n    return pd.DataFrame({'a': [2, 1], 'b': ['x', 'y']})",
        "import pandas as pd\nfrom pandas.testing import assert_frame_equal\n"
        "assert_frame_equal(table(), pd.DataFrame({'a': [1, 2], 'b': ['x', 'y']}))",
    ),
    Style(
        "fraction",
        "from fractions import Fraction\n\ndef mean(xs):\n    return Fraction(sum(xs), len(xs))",
        "def mean(xs):\n    return sum(xs) // len(xs)",
        "from fractions import Fraction\nassert mean([1, 2]) == Fraction(3, 2)\nassert mean([1, 2]) == 1.5",
    ),
    Style(
        "date",
        "import datetime\n\ndef leap(y):\n    return datetime.date(y, 2, 28) + datetime.timedelta(days=1)",
        "import datetime\n\ndef leap(y):\n    return datetime.date(y, 2, 28)",
        "import datetime\nassert leap(2024) == datetime.date(2024, 2, 29)",
    ),
    Style(
        "named_tuple",
        "from collections import namedtuple\nPair = namedtuple('Pair', 'a b')\n\ndef swap(p):\n    return Pair(p.b, p.a)",
        "def swap(p):\n    return p[1], p[0]\n\nfrom collections import namedtuple\nPair = namedtuple('Pair', 'a b')",
        "p = swap(Pair(1, 2))\nassert p == (2, 1) and p.a == 2",
    ),
    Style(
        "generator",
        "def countdown(n):\n    while n:\n        yield n\n        n -= 1",
        "def countdown(n):\n    return list(range(n, 0, -1))",
        "import types\nassert isinstance(countdown(2), types.GeneratorType)\nassert list(countdown(3)) == [3, 2, 1]\n"
        "steps = countdown(2)\nassert next(steps) == 2",
    ),
    Style(
        "generator_sent_to",
        "def echo():\n    got = None\n    while True:\n        got = yield got",
        "def echo():\n    while True:\n        yield 0",
        "e = echo()\nnext(e)\nassert e.send(5) == 5\ne.close()",
    ),
    Style(
        "iterator",
        "class Twice:\n    def __init__(self, xs):\n        self.xs = xs\n\n    def __iter__(self):\n"
        "        return iter([x for x in self.xs for _ in range(2)])",
        "class Twice:\n    def __init__(self, xs):\n        self.xs = xs\n\n    def __iter__(self):\n"
        "        return iter(self.xs)",
        "t = Twice('ab')\nassert list(t) == ['a', 'a', 'b', 'b']\nassert list(zip(t, range(2))) == [('a', 0), ('a', 1)]",
    ),
    Style(
        "closure",
        "def adder(n):\n    return lambda x: x + n",
        "def adder(n):\n    return lambda x: x",
        "assert [adder(2)(3), adder(0)(1)] == [5, 1]\nassert adder(1).__closure__ is not None",
    ),
    Style(
        "callback",
        "def apply(f, xs):\n    return [f(x) for x in xs]",
        "def apply(f, xs):\n    return xs",
        "seen = []\n\ndef note(x):\n    seen.append(x)\n    return -x\n\nassert apply(note, [1, 2]) == [-1, -2]\n"
        "assert seen == [1, 2]",
    ),
    Style(
        "mutated",
        "def push(stack, x):\n    stack.append(x)",
        "def push(stack, x):\n    return [*stack, x]",
        "stack = [1]\npush(stack, 2)\nassert stack == [1, 2]",
    ),
    Style(
        "not_mutated",
        "def in_order(xs):\n    return sorted(xs)",
        "def in_order(xs):\n    xs.sort()\n    return xs",
        "xs = [3, 1]\nassert in_order(xs) == [1, 3]\nassert xs == [3, 1], 'the list has changed'",
    ),
    Style(
        "same_object",
        "def fluent(d):\n    d['a'] = 1\n    return d",
        "def fluent(d):\n    return {**d, 'a': 1}",
        "d = {}\nassert fluent(d) is d",
    ),
    Style(
        "keywords",
        "def tag(name, **attributes):\n    return name, attributes",
        "def tag(name, attributes=None):\n    return name, attributes",
        "assert tag('a', href='x', id='y') == ('a', {'href': 'x', 'id': 'y'})",
    ),
    Style(
        "decorator",
        "import functools\n\ndef logged(f):\n    @functools.wraps(f)\n    def inner(*a):\n        inner.calls += 1\n"
        "        return f(*a)\n    inner.calls = 0\n    return inner",
        "def logged(f):\n    def inner(*a):\n        return f(*a)\n    inner.calls = 0\n    return inner",
        "@logged\ndef triple(x):\n    return 3 * x\n\nassert triple(2) == 6 and triple.calls == 1\n"
        "assert triple.__name__ == 'triple'",
    ),
    Style(
        "context_manager",
        "class Guard:\n    def __init__(self, log):\n        self.log = log\n\n    def __enter__(self):\n"
        "        self.log.append('in')\n        return self\n\n    def __exit__(self, *error):\n"
        "        self.log.append('out')\n        return error[0] is KeyError",
        "class Guard:\n    def __init__(self, log):\n        self.log = log\n\n    def __enter__(self):\n"
        "        self.log.append('in')\n\n    def __exit__(self, *error):\n        pass",
        "log = []\nwith Guard(log) as guard:\n    raise KeyError\nassert log == ['in', 'out'] and guard.log is log",
    ),
    Style(
        "sort_key",
        "def by_length(word):\n    return len(word)",
        "def by_length(word):\n    return word",
        "assert sorted(['aaa', 'c', 'bb'], key=by_length) == ['c', 'bb', 'aaa']\n"
        "assert max(['ccc', 'dd'], key=by_length) == 'ccc'",
    ),
    Style(
        "pickled",
        "class Saved:\n    def __init__(self, x):\n        self.x = x",
        "class Saved:\n    def __init__(self, x):\n        self.x = lambda: x",
        "import pickle\nassert pickle.loads(pickle.dumps(Saved(3))).x == 3",
    ),
    Style(
        "recursion",
        "def depth(x):\n    return 1 + max(map(depth, x), default=0) if isinstance(x, list) else 0",
        "def depth(x):\n    return depth(x)",
        "assert depth([1, [2, [3]]]) == 3",
    ),
    Style(
        "module",
        "import torch\nfrom torch import nn\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.fc = nn.Linear(2, 1)\n\n    def forward(self, x):\n        return self.fc(x)",
        "import torch\nfrom torch import nn\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.fc = nn.Linear(2, 1)",
        "import torch\nnet = Net()\nassert net(torch.ones(3, 2)).shape == (3, 1)\n"
        "assert sum(p.numel() for p in net.parameters()) == 3",
    ),
]

FILES = [
    Style(
        "data_beside",
        "def rows():\n    with open('numbers.csv') as file:\n        return len(file.readlines()) - 1",
        "def rows():\n    with open('missing.csv') as file:\n        return len(file.readlines()) - 1",
        "assert rows() == 2",
    ),
    Style(
        "data_in_a_folder",
        "words = open('data/words.txt').read().split()",
        "words = []",
        "from pathlib import Path\nassert words == Path('data', 'words.txt').read_text().split()",
    ),
    Style(
        "data_by_pandas",
        "import pandas as pd\ntable = pd.read_csv('numbers.csv')",
        "table = {'a': []}",
        "assert list(table['a']) == [1, 3]",
    ),
    Style(
        "file_written",
        "def save(text):\n    with open('out.txt', 'w') as file:\n        file.write(text)",
        "def save(text):\n    pass",
        "import os\nif os.path.exists('out.txt'):\n    os.remove('out.txt')\nsave('hello')\n"
        "assert open('out.txt').read() == 'hello'",
    ),
    Style(
        "file_of_the_check_read",
        "def lines(path):\n    with open(path) as file:\n        return [line.strip() for line in file]",
        "def lines(path):\n    with open(path) as file:\n        return file.read()",
        "with open('made.txt', 'w') as file:\n    file.write('a\\nb\\n')\nassert lines('made.txt') == ['a', 'b']",
    ),
    Style(
        "module_beside",
        "from given import double\n\ndef quadruple(x):\n    return double(double(x))",
        "def quadruple(x):\n    return 2 * x",
        "import given\nassert quadruple(3) == given.double(6)",
    ),
    Style(
        "module_handed_in",
        "from handed_in import triple",
        "def triple(x):\n    return x",
        "assert triple(2) == 6",
    ),
    Style(
        "module_written",
        "%%writefile helper.py\ndef f(x):\n    return x + 10",
        "%%writefile helper.py\ndef f(x):\n    return x",
        "import importlib, sys\nsys.modules.pop('helper', None)\nimportlib.invalidate_caches()\nfrom helper import f\n"
        "assert f(1) == 11",
    ),
    Style(
        "module_written_and_used",
        "%%writefile another.py\ndef g(x):\n    return x * 10",
        "%%writefile another.py\ndef g(x):\n    return x",
        "assert h(2) == 21",
        after="import importlib\nimportlib.invalidate_caches()\nfrom another import g\n\ndef h(x):\n    return g(x) + 1",
    ),
    Style(
        "seeded",
        "import random\n\ndef roll(n):\n    return [random.randint(1, 6) for _ in range(n)]",
        "def roll(n):\n    return [1] * n",
        "import random\nrandom.seed(3)\nmine = [random.randint(1, 6) for _ in range(5)]\nrandom.seed(3)\n"
        "assert roll(5) == mine",
    ),
    Style(
        "seeded_numpy",
        "import numpy as np\n\ndef noise(n):\n    return np.random.rand(n)",
        "import numpy as np\n\ndef noise(n):\n    return np.zeros(n)",
        "import numpy as np\nnp.random.seed(1)\nmine = np.random.rand(4)\nnp.random.seed(1)\n"
        "np.testing.assert_array_equal(noise(4), mine)",
    ),
    Style(
        "seeded_torch",
        "import torch\n\ndef start(n):\n    return torch.randn(n)",
        "import torch\n\ndef start(n):\n    return torch.zeros(n)",
        "import torch\ntorch.manual_seed(1)\nmine = torch.randn(4)\ntorch.manual_seed(1)\n"
        "assert torch.equal(start(4), mine)",
    ),
    Style(
        "seeded_by_the_learner",
        "import random\nrandom.seed(7)\ndraws = [random.random(), random.random()]",
        "draws = [0, 0]",
        "import random\nrandom.seed(7)\nassert draws == [random.random(), random.random()]",
    ),
    Style(
        "plot",
        "import matplotlib.pyplot as plt\n\ndef draw(xs):\n    plt.plot(xs)\n    plt.title('A line')",
        "import matplotlib.pyplot as plt\n\ndef draw(xs):\n    plt.plot(xs)",
        "import matplotlib.pyplot as plt\nplt.close('all')\ndraw([1, 2, 3])\naxes = plt.gca()\n"
        "assert list(axes.lines[0].get_ydata()) == [1, 2, 3]\nassert axes.get_title() == 'A line'\nplt.close('all')",
    ),
    Style(
        "axes_kept",
        "import matplotlib.pyplot as plt\nfigure, axes = plt.subplots()\naxes.bar(['a', 'b'], [1, 2])\n"
        "axes.set_xlabel('letter')",
        "import matplotlib.pyplot as plt\nfigure, axes = plt.subplots()\naxes.bar(['a', 'b'], [1, 2])",
        "assert axes.get_xlabel() == 'letter'\nassert len(axes.patches) == 2",
    ),
    Style(
        "axes_given",
        "def mark(ax):\n    ax.axhline(3)",
        "def mark(ax):\n    pass",
        "import matplotlib.pyplot as plt\nfigure, ax = plt.subplots()\nmark(ax)\nassert len(ax.lines) == 1\n"
        "plt.close(figure)",
    ),
    Style(
        "environment",
        "import os\nplace = os.environ.get('NBGRADER_EXECUTION')",
        "place = None",
        "assert place == 'autograde'",
    ),
    Style(
        "file_for_later",
        "with open('for_later.txt', 'w') as file:\n    file.write('kept')\nwith open('log.txt', 'a') as file:\n"
        "    file.write('went on\\n')",
        "pass",
        "assert open('for_later.txt').read() == 'kept'",
    ),
    Style("repeated", "counter = 1", "counter = 3", "assert counter == 1\ncounter += 1"),
]

LATER = [
    Style("file_of_an_earlier_notebook", "kept = open('for_later.txt').read()", "kept = ''", "assert kept == 'kept'"),
    Style(
        "file_changed_by_an_earlier_notebook",
        "changed = open('log.txt').read()",
        "changed = 'begun\\n'",
        "assert changed == 'begun\\nwent on\\n'",
    ),
]

#: In the order in which nbgrader runs them.
PARTS = [Part("files", FILES), Part("later", LATER), Part("names", NAMES), Part("objects", OBJECTS)]
