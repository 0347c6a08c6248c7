# %% [markdown]
# # Dropout and batch normalisation
#
# Two layers that do one thing in training and another in use. Dropout helps a net to do well on images it has never seen; batch
# normalisation helps it to train fast. Both are a few lines long, and both are easy to get wrong.
#
# After this notebook you can
#
# - write dropout, and say why it divides by $1 - p$ and in what sense a net with dropout is many nets;
# - write batch normalisation for training and for use, with its running averages;
# - find a forgotten `eval()`, and give each module its mode back;
# - fuse batch normalisation into the layer before it;
# - measure what batch normalisation does to the loss surface.
#
# **Points**: 16. **Time**: about 50 minutes of reading and 80 minutes for the 8 exercises. **You need**: gradient descent and its
# learning rate (`02_gradients_and_optimizers`), `nn.Linear` (`04_linear`), `nn.Conv2d` (`07_convolution`), modules and training
# loops (`10_modules`), buffers (`11_inside_module`), the cross-entropy (`13_classification_losses`).
#
# The check below each exercise tests what its text asks for. The grader tests the same things with other values.
#
# Unless an exercise says otherwise, tensors are on the CPU and hold at least one element, and their values are finite. An argument
# that must not be changed keeps its values, shape and dtype. A later call never changes an earlier result.

# %% setup

# %% [markdown]
# ## A large net and few digits
#
# We train a fully connected net on only 300 digits of 28×28 pixels (the *old* digits below). It has 784 inputs, layers of 784 and
# 256 units, and 10 outputs. Another 359 digits, the *new* ones, are held back.

# %%
old, new = DigitsAsMNIST(train=True), DigitsAsMNIST(train=False)
train_x, train_y = old.data[:300].flatten(1) / 255, old.targets[:300]
test_x, test_y = new.data.flatten(1) / 255, new.targets


def train(net, optimizer, epochs=25):
    """Train net. Returns two lists of losses, one number per epoch: on the 300 digits, and on the new ones."""
    losses, new_losses = [], []
    for _ in range(epochs):
        net.train()
        for i in torch.randperm(len(train_x)).split(50):
            optimizer.zero_grad()
            F.cross_entropy(net(train_x[i]), train_y[i]).backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            losses.append(F.cross_entropy(net(train_x), train_y).item())
            new_losses.append(F.cross_entropy(net(test_x), test_y).item())
    return losses, new_losses


def share_right(net, x, y):
    with torch.no_grad():
        return (net(x).argmax(1) == y).float().mean().item()


# %% [markdown]
# **Before you run it:** what share of the 300 digits does the net read correctly after 25 epochs, and what share of the new digits?
# From epoch 10 to epoch 25, does the loss on the new digits fall, stay the same or rise?

# %% predict varies
torch.manual_seed(0)
plain = nn.Sequential(nn.Linear(784, 784), nn.ReLU(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
plain_losses, plain_new = train(plain, torch.optim.Adam(plain.parameters(), lr=1e-3))

print(f"{sum(p.numel() for p in plain.parameters()):,} parameters")
print(
    f"right: {share_right(plain, train_x, train_y):.0%} of the old digits, {share_right(plain, test_x, test_y):.0%} of the new ones"
)
print(f"loss on the new digits: {plain_new[9]:.3f} after 10 epochs, {plain_new[24]:.3f} after 25")

# %% predict varies folded label="Draw both losses"
figure, ax = plot_axes(6.2, 3.0)
epochs = range(1, 26)
ax.plot(epochs, plain_losses, color=COLOURS["input"], ls="--", lw=2)
ax.plot(epochs, plain_new, color=COLOURS["loss"], lw=2)
ax.text(25, plain_losses[-1] + 0.05, "old digits", color=COLOURS["input"], ha="right", va="bottom", fontsize=11)
ax.text(25, plain_new[-1] + 0.05, "new digits", color=COLOURS["loss"], ha="right", va="bottom", fontsize=11)
ax.set(xlabel="epoch", ylabel="loss", ylim=(0, 2.2))
show(
    figure,
    alt="Loss against epochs. On the old digits (dashed) it falls to almost 0. On the new digits it falls until about "
    "epoch 10 and then rises slowly.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# The net has 2,700 parameters for each training digit: enough to fit all 300. On new digits it is right about nine times in ten.
# The loss on them reaches its minimum within the first ten epochs and then rises slowly, although the share of right answers hardly
# changes: the wrong answers are given with more and more confidence, and the cross-entropy punishes that. This is overfitting
# (`10_modules`).
#
# </details>
#
# Many things help a net to do better on new digits: more data, augmentation (`14_data_pipelines`), a smaller net, stopping early.
# Dropout is another, and it costs one line.
#
# ## Dropout: switch units off at random
#
# In each forward pass during training, every unit of a layer is set to 0 with probability $p$, independently of all others and anew
# for each sample. The next layer can never rely on any particular unit, so units cannot specialise in correcting one another in
# ways that work only on the training digits ("co-adaptation").
#
# But with $p = 0.3$ the next layer gets only about $0.7$ of its inputs, so its sums come out smaller, and when the net is used, all
# units are there again. Dropout makes up for that on the spot: in training it scales up the units that stay on. (In `10_modules`,
# with $p = 0.5$, it doubled them.)
#
# **Before you run it:** which values can occur in `F.dropout(torch.ones(10), p=0.3)`, and are exactly three of the ten equal to 0?
# What is the mean of a million such values?

# %% predict
torch.manual_seed(4)
print(F.dropout(torch.ones(10), p=0.3))
many = F.dropout(torch.ones(1_000_000), p=0.3)
print(f"values {many.unique().tolist()}, mean {many.mean():.2f}, share of zeros {(many == 0).float().mean():.2f}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# Dropout divides by $1 - p$. With a random $r_i$ that is 1 with probability $1 - p$ and 0 otherwise,
#
# $$y_i = \frac{r_i\, x_i}{1 - p}, \qquad \mathbb{E}[y_i] = \frac{(1 - p)\, x_i + p \cdot 0}{1 - p} = x_i .$$
#
# So each value is either 0 or $1/0.7 = 1.4286$. On average three in ten are 0; here it is four, because each unit is drawn on its
# own. The mean stays 1. The expected value of each unit is what it is without dropout, and so is that of each sum in the next
# layer.
#
# </details>
#
# ### Exercise: Thin out a layer
#
# Write `thin(x, keep, p)`, the part of dropout that is not random.
#
# - `x` is float32 or float64 and may have any shape. `keep` is a `bool` tensor of the same shape. `p` is a Python float,
#   $0 \le p \le 1$. With `p` less than 1, `keep` may hold any mix of `True` and `False`.
# - Where `keep` is `True`, the result is $x / (1 - p)$; where it is `False`, it is 0.
# - With `p = 1.0`, `keep` is `False` everywhere: the result is 0 everywhere.
# - The result is a new tensor with the shape and dtype of `x`. `x` and `keep` stay as they are.
# - Gradients flow back to `x`: $1 / (1 - p)$ where `keep` is `True`, 0 elsewhere. With `p = 1.0` the result need not be connected
#   to `x` at all, but if it is, the gradient is 0, not *nan*.
#
# <details><summary>Hint 1: choose or multiply</summary>
#
# A `bool` tensor counts as 0 and 1 in a product. `torch.where` chooses between two values.
#
# </details>
#
# <details><summary>Hint 2: p = 1</summary>
#
# With Python floats, $1 / (1 - p)$ is then an error. Dividing a tensor by 0 gives *inf* or *nan*, and either of these times 0 is
# *nan*, also in the backward pass. Treat this case separately.
#
# </details>


# %% exercise="thin" difficulty=1 minutes=6
def thin(x: torch.Tensor, keep: torch.Tensor, p: float) -> torch.Tensor:
    """Switch off the units that are not kept, and scale the others.

    x: float32 or float64, any shape. keep: bool, same shape. p: the probability of switching off. Returns: like x.
    """
    ### BEGIN SOLUTION
    return x * keep * (0.0 if p == 1 else 1 / (1 - p))
    ### END SOLUTION


# %% check="thin" points=1
import contextlib
import io

g = torch.Generator().manual_seed(151)
x = torch.tensor([[2.0, -4.0, 1.0], [0.5, 3.0, -1.0]])
keep = torch.tensor([[True, False, True], [False, True, True]])
before, kept = x.clone(), keep.clone()
y = thin(inplace(x), inplace(keep), 0.75)
expect(
    x,
    before,
    "thin(x, keep, 0.75) leaves x as it was",
    mistakes={"You set values of x itself to 0: make a new tensor.": torch.where(kept, before, 0.0)},
)
expect(keep, kept, "it leaves keep as it was")
expect(
    y,
    torch.tensor([[8.0, 0.0, 4.0], [0.0, 12.0, -4.0]]),
    "thin(x, keep, 0.75) for x = [[2, −4, 1], [0.5, 3, −1]], keep = [[✓, ✗, ✓], [✗, ✓, ✓]]",
    mistakes={
        "The scaling is missing.": torch.tensor([[2.0, 0.0, 1.0], [0.0, 3.0, -1.0]]),
        "keep works the wrong way round: True means that the unit stays on.": torch.tensor(
            [[0.0, -16.0, 0.0], [2.0, 0.0, 0.0]]
        ),
        "You multiplied by 1 − p: divide.": torch.tensor([[0.5, 0.0, 0.25], [0.0, 0.75, -0.25]]),
        "You divided by p: the probability of staying on is 1 − p.": torch.tensor(
            [[8 / 3, 0.0, 4 / 3], [0.0, 4.0, -4 / 3]]
        ),
        "The units that are switched off are not 0.": torch.tensor([[8.0, -4.0, 4.0], [0.5, 12.0, -4.0]]),
    },
)


def many(title, *cases):
    """Run cases; one line for all of them."""
    with contextlib.redirect_stdout(io.StringIO()):
        for case in cases:
            case()
    require(True, title, "")


def in_float32(y, wanted):
    """The mistake of an answer in float64 with float32's digits, if it is one."""
    like = isinstance(y, torch.Tensor) and y.shape == wanted.shape and y.dtype == wanted.dtype == torch.float64
    off = (y.detach() - wanted).abs() / wanted.abs().clamp(min=1e-300) if like else wanted
    near = like and 1e-12 < off.max().item() < 1e-5
    return {"One step was computed in float32: use the dtype of x.": y.detach()} if near else {}


def examine(shape, p, dtype=torch.float32, turned=False):
    what = f"for x of shape {shape}, p = {p}, {str(dtype).removeprefix('torch.')}" + ", x and keep transposed" * turned
    x = torch.randn(shape, generator=g, dtype=dtype) * 3 + 1
    keep = torch.rand(shape, generator=g) < (0.6 if p < 1 else 0.0)
    if turned:
        x, keep = x.t().contiguous().t(), keep.t().contiguous().t()
    before, kept = x.clone(), keep.clone()
    y = thin(inplace(x), inplace(keep), p)
    if not (torch.equal(x, before) and torch.equal(keep, kept)):
        require(False, f"thin leaves x and keep as they were {what}", "They have changed: make a new tensor.")
    shared = y is x or (y.numel() > 0 and y.untyped_storage().data_ptr() == x.untyped_storage().data_ptr())
    if shared:
        require(False, f"the result is a new tensor {what}", "You returned x itself or a view of it.")
    wanted = torch.zeros_like(x)
    wanted[keep] = before[keep].double().div(1 - p if p < 1 else 1).to(dtype)
    tight = {"rtol": 1e-12, "atol": 0.0} if dtype == torch.float64 else {}
    nan = torch.full_like(x, float("nan"))
    known = {"For p = 1 that is 0 · inf or 0 / 0: treat p = 1 separately.": nan} | in_float32(y, wanted)
    expect(y, wanted, f"thin {what}", mistakes=known, **tight)
    leaf, upstream = before.clone().requires_grad_(), torch.randn(shape, generator=g, dtype=dtype)
    y = thin(leaf, keep, p)
    if p < 1 or y.requires_grad:
        require(y.requires_grad, f"autograd follows thin {what}", "The path for gradients is cut.")
        (gradient,) = torch.autograd.grad((y * upstream).sum(), leaf, allow_unused=True)
        if gradient is None:
            require(p == 1, f"a gradient reaches x {what}", "None does: compute the result from x.")
            return
        wanted = (upstream * (1 / (1 - p) if p < 1 else 0.0)).masked_fill(~keep, 0.0)
        known = {"The backward pass for p = 1 still contains x / (1 − p): treat p = 1 separately.": nan}
        known["The gradient that arrives from above is ignored: multiply by it."] = wanted / upstream
        expect(gradient, wanted, f"the gradient {what}", mistakes=known, **tight)


many(
    "seven more inputs: 0-d and larger, p = 0 and 1, float64, not contiguous, with their gradients",
    lambda: examine((3, 4), 0.5),
    lambda: examine((), 0.0),
    lambda: examine((2, 3, 2, 2), 0.1, torch.float64),
    lambda: examine((4, 3), 0.3, torch.float64, turned=True),
    lambda: examine((5, 2), 1.0, torch.float64),
    lambda: examine((6,), 0.0),
    lambda: examine((6,), 0.999),
)
first = thin(torch.ones(3), torch.tensor([True, True, False]), 0.5)
thin(torch.ones(3) * 5, torch.tensor([False, True, True]), 0.5)
expect(first, torch.tensor([2.0, 2.0, 0.0]), "a later call leaves an earlier result alone")
### BEGIN HIDDEN TESTS
many(
    "six more inputs",
    lambda: examine((2, 5), 0.2, turned=True),
    lambda: examine((), 0.6, torch.float64),
    lambda: examine((1, 3, 1, 2), 0.9),
    lambda: examine((7,), 1.0),
    lambda: examine((3, 2), 0.0, torch.float64),
    lambda: examine((5,), 0.998),
)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise: Dropout
#
# Write `dropout(x, p, training)` without PyTorch's own: no `F.dropout`, `F.alpha_dropout`, `F.dropout1d`, `F.dropout2d`,
# `F.dropout3d` or other PyTorch functions with `dropout` in their names, and no module that calls them.
#
# - `x` is float32 or float64 and may have any shape; `p` is a Python float, $0 \le p \le 1$; `training` is a `bool`.
# - With `training=False` the result equals `x` (`x` itself, if you like).
# - With `training=True` the result is a new tensor like `x`: each element is 0 with probability $p$ and $x / (1 - p)$ otherwise.
#   The elements are drawn independently of one another, and anew in each call.
# - With `p = 0.0` the result equals `x`, with `p = 1.0` it is 0 everywhere (and no gradient is *nan*).
# - `x` stays as it is. Gradients flow back to `x` through the elements that stay on, in training and otherwise.
# - The random numbers come from PyTorch's own generator, so `torch.manual_seed` makes them repeatable. Do not set a seed yourself.
#
# <details><summary>Hint 1: a random yes or no</summary>
#
# `torch.rand_like(x)` draws numbers that are spread evenly over $[0, 1)$. What is the probability that such a number is at least
# $p$?
#
# </details>
#
# <details><summary>Hint 2: the rest</summary>
#
# It is what your `thin` does. Call it or repeat it.
#
# </details>


# %% exercise="dropout" difficulty=2 minutes=8
def dropout(x: torch.Tensor, p: float, training: bool) -> torch.Tensor:
    """Dropout: in training, each element is 0 with probability p and is divided by 1 − p otherwise.

    x: float32 or float64, any shape. Returns: same shape and dtype.
    """
    ### BEGIN SOLUTION
    if not training:
        return x
    keep = torch.rand_like(x) >= p
    return torch.where(keep, x, 0.0) / (1 - p if p < 1 else 1.0)
    ### END SOLUTION


# %% check="dropout" points=2
import contextlib
import io

g = torch.Generator().manual_seed(152)
kinds = "dropout", "alpha_dropout", "dropout1d", "dropout2d", "dropout3d", "feature_dropout"
torch.manual_seed(152)
x = torch.randn(200, 300, generator=g) + torch.where(torch.rand(200, 300, generator=g) < 0.5, 3.0, -3.0)
before = x.clone()
with forbidden(*kinds):
    y = dropout(inplace(x), 0.3, True)
expect(x, before, "dropout(x, 0.3, True) leaves x as it was")
require(
    isinstance(y, torch.Tensor) and y.shape == x.shape and y.dtype == x.dtype,
    "the result is a tensor like x",
    "Its type, shape or dtype is wrong. (Is a return missing?)",
)
off = y == 0
rows, columns = off.sum(1).float(), off.sum(0).float()
require(
    not (bool((off == off[:1]).all()) or bool((off == off[:, :1]).all())),
    "rows and columns differ",
    "All rows, or all columns, are switched off in the same way: draw a number for each element.",
)
ratio = (y / x)[~off]
lost = off.float().mean().item()
advice = f"Of 200×300 elements, {lost:.1%} are 0."
if abs(lost - 0.7) < 0.02:
    advice += " It is 1 − p that stays on."
elif abs(lost - 0.618) < 0.01:
    advice += " torch.randn draws from a normal distribution: use torch.rand."
require(abs(lost - 0.3) < 0.01, "about 30% of the elements are 0 with p = 0.3", advice)
advice = "They must be x / (1 − p)."
if torch.allclose(ratio, torch.ones(())):
    advice = "They are x: the scaling is missing."
elif torch.allclose(ratio, torch.tensor(0.7)):
    advice = "They are x · (1 − p): divide instead."
elif torch.allclose(ratio, torch.tensor(1 / 0.3)):
    advice = "They are x / p: the probability of staying on is 1 − p."
require(torch.allclose(ratio, torch.tensor(10 / 7), rtol=1e-5), "the others are scaled", advice)


def spread(counts, n):
    return counts.var().item() / (n * 0.21)


require(
    0.6 < spread(rows, 300) < 1.6 and 0.6 < spread(columns, 200) < 1.6,
    "the elements are independent",
    "The numbers of zeros per row or column spread too much or too little: draw a number for each element.",
)
flat = off.flatten().float() - 0.3
n = len(flat)
products = torch.fft.irfft(torch.fft.rfft(flat, 2 * n).abs().square())[1 : n - 1000]  # of all pairs at each distance
largest = (products / (0.21 * (n - torch.arange(1, n - 1000)).sqrt())).abs().max().item()
require(
    largest < 6.5,
    "elements near one another and far apart are independent",
    "Some are switched off together, or in turn: draw a number for each element.",
)
seed = torch.initial_seed()
again = dropout(x, 0.3, True)
require(
    not torch.equal(y, again), "a second call draws anew", "It gives the same result: do not set a seed or keep a mask."
)
require(torch.initial_seed() == seed, "no seed is set", "Your code sets a seed: leave that to whoever calls dropout.")
counts = {int((dropout(torch.ones(40), 0.5, True) == 0).sum()) for _ in range(12)}
require(
    len(counts) > 2,
    "the number of zeros varies from call to call",
    "In 12 calls with 40 elements it hardly varied: each element is drawn on its own, not exactly a share p of them.",
)
torch.manual_seed(7)
one = dropout(x, 0.3, True)
torch.manual_seed(7)
two = dropout(x, 0.3, True)
advice = "It differs: take the random numbers from PyTorch, not from another generator."
require(torch.equal(two, one), "after the same torch.manual_seed the result is the same", advice)


def many(title, *cases):
    """Run cases; one line for all of them."""
    with contextlib.redirect_stdout(io.StringIO()):
        for case in cases:
            case()
    require(True, title, "")


def in_float32(y, wanted):
    """The mistake of an answer in float64 with float32's digits, if it is one."""
    like = isinstance(y, torch.Tensor) and y.shape == wanted.shape and y.dtype == wanted.dtype == torch.float64
    off = (y.detach() - wanted).abs() / wanted.abs().clamp(min=1e-300) if like else wanted
    near = like and 1e-12 < off.max().item() < 1e-5
    return {"One step was computed in float32: use the dtype of x.": y.detach()} if near else {}


def examine(shape, p, dtype=torch.float32, turned=False):
    what = f"for x of shape {shape}, p = {p}, {str(dtype).removeprefix('torch.')}"
    draw = torch.randn(shape, generator=g, dtype=dtype)
    leaf = (draw.sign() + draw + (draw == 0)).requires_grad_()
    leaf = leaf.detach().t().contiguous().t().requires_grad_() if turned else leaf
    before, upstream = leaf.detach().clone(), torch.randn(shape, generator=g, dtype=dtype)
    with forbidden(*kinds), torch.no_grad():
        silent = dropout(inplace(leaf), p, False)
    expect(silent, before, f"with training=False the result equals x {what}")
    x = leaf * 1
    with forbidden(*kinds):
        y = dropout(inplace(x), p, True)
    if not torch.equal(x.detach(), before):
        require(False, f"x stays as it is {what}", "You changed it: make a new tensor.")
    if y is x or y.untyped_storage().data_ptr() == x.untyped_storage().data_ptr():
        require(
            False, f"with training=True the result is a new tensor {what}", "You returned x itself or a view of it."
        )
    require(y.requires_grad or p == 1, f"autograd follows dropout {what}", "The path for gradients is cut.")
    on = torch.zeros(shape, dtype=torch.bool) if p == 1 else y.detach() != 0
    wanted = torch.where(on, before.double().div(1 - p if p < 1 else 1).to(dtype), 0.0)
    nan = torch.full_like(before, float("nan"))
    expect(
        y.detach(),
        wanted,
        f"dropout(x, {p}, True) {what}: each element is 0 or scaled",
        mistakes={"For p = 1 that is 0 · inf or 0 / 0: treat p = 1 separately.": nan} | in_float32(y, wanted),
        rtol=1e-12 if dtype == torch.float64 else None,
        atol=0.0 if dtype == torch.float64 else None,
    )
    if p == 0:
        require(bool(on.all()), "p = 0", "With p = 0 all elements stay on.")
    if y.requires_grad:
        (gradient,) = torch.autograd.grad((y * upstream).sum(), leaf, allow_unused=True)
        slope = torch.where(on, upstream * (1 / (1 - p) if p < 1 else 0.0), 0.0)
        if gradient is None:
            require(p == 1, f"a gradient reaches x {what}", "None does: compute the result from x.")
        else:
            known = {"The backward pass for p = 1 still contains x / (1 − p): treat p = 1 separately.": nan}
            known["The gradient that arrives from above is ignored: multiply by it."] = slope / upstream
            expect(gradient, slope, f"the gradient of x {what}", mistakes=known)
    (gradient,) = torch.autograd.grad((dropout(leaf * 1, p, False) * upstream).sum(), leaf)
    expect(gradient, upstream, f"the gradient of x with training=False {what}")


many(
    "more inputs: p = 0 and 1, 0-d and larger, float64, not contiguous, with their gradients, training or not",
    lambda: examine((3, 5), 0.0),
    lambda: examine((4, 5), 1.0, torch.float64),
    lambda: examine((), 0.5),
    lambda: examine((2, 3, 4, 5), 0.7, torch.float64),
    lambda: examine((6, 4), 0.4, turned=True),
)
expect(dropout(torch.zeros(3), 0.5, True), torch.zeros(3), "zeros stay zeros")


def unlike(y):
    """Whether the masks differ along each dimension, and neighbouring samples' masks are independent."""
    off = y == 0
    differ = all(len({tuple(row) for row in off.movedim(d, 0).flatten(1).tolist()}) > 1 for d in range(y.dim()))
    same = [off[i].eq(off[i + 1]).float().mean().item() for i in range(len(off) - 1)]
    return differ and all(0.4 < share < 0.6 for share in same)


advice = "The same mask, or its opposite, is used again along a dimension: draw a number for each element."
require(unlike(dropout(torch.ones(20, 6, 100), 0.5, True)), "in three dimensions, too, all is independent", advice)
require(unlike(dropout(torch.ones(20, 4, 9, 12), 0.5, True)), "in four dimensions, too, all is independent", advice)
few = (dropout(torch.ones(300, 1000), 0.004, True) == 0).float().mean().item()
advice = f"{few:.2%} of 300,000 elements are 0."
require(abs(few - 0.004) < 0.0008, "about 0.4% are 0 with p = 0.004", advice)
require(
    bool(one.isfinite().all()) and torch.equal(one, two),
    "later calls leave earlier results alone",
    "They have changed.",
)
### BEGIN HIDDEN TESTS
many(
    "more inputs",
    lambda: examine((7,), 1.0),
    lambda: examine((3, 1, 4), 0.25),
    lambda: examine((5, 3), 0.0, torch.float64),
    lambda: examine((), 0.9, torch.float64),
    lambda: examine((3, 9), 0.6, torch.float64, turned=True),
)
many_lost = (dropout(torch.ones(900, 500), 0.125, True) == 0).float().mean().item()
require(abs(many_lost - 0.125) < 0.003, "about 12.5% are 0 with p = 0.125", f"{many_lost:.2%} are 0.")
advice = "The same mask, or its opposite, is used again along a dimension: draw a number for each element."
require(unlike(dropout(torch.ones(30, 5, 4, 40), 0.5, True)), "all is independent in another shape, too", advice)
### END HIDDEN TESTS

# %% [markdown]
# ### Units switched off in one pass
#
# Let us look at the first hundred units after the first ReLU of the net above, for one digit: without dropout, then in two passes
# with your dropout. Coloured cells are units with positive values; a cross marks each unit that was switched off.


# %% yours varies folded label="Draw 100 units: no dropout, then two passes"
def our_dropout(x, p, training):
    return F.dropout(x, p, training)


some_dropout = yours_or_ours(dropout, our_dropout, torch.ones(3), 0.3, True, random=True)
torch.manual_seed(1)
with torch.no_grad():
    units = F.relu(plain[0](test_x[:1]))[0, :100].reshape(10, 10)
    masks = [some_dropout(torch.ones(10, 10), 0.3, True) for _ in range(2)]
    passes = [units, *(units * mask for mask in masks)]
figure, axes = plt.subplots(1, 3, figsize=(6.4, 2.5), layout="constrained")
greens = matplotlib.colors.LinearSegmentedColormap.from_list("units", ["white", COLOURS["output"]])
for ax, values, title, mask in zip(axes, passes, ["no dropout", "one pass", "another pass"], [units * 0 + 1, *masks]):
    ax.imshow(values, cmap=greens, vmin=0, vmax=float(units.max()) / 0.7)
    down, across = (mask == 0).nonzero(as_tuple=True)
    ax.scatter(across, down, marker="x", s=22, color=COLOURS["loss"], linewidths=1.4)
    ax.set_title(title, fontsize=11, color=INK)
    ax.set(xticks=[], yticks=[])
show(
    figure,
    alt="Three grids of 10×10 units. The first has no crosses. In the second and third about 30 units each are crossed "
    "out, different ones in each; the remaining positive units are a little darker than in the first.",
)

# %% [markdown]
# The two passes switch off different units, and the others are stronger by a factor of $1/0.7$. White cells without a cross are
# units that the ReLU has set to 0.
#
# ## Two modes
#
# Random outputs are of no use once training is over. `net.train()` and `net.eval()`, which you know from `10_modules`, set the
# attribute `training` of the module and of all modules inside it to `True` and to `False`. A module may look at it in its
# `forward`.
#
# **Before you run it:** each of these three nets is called twice with the same input in training mode, then twice in evaluation
# mode. In which of the six cases are the two outputs the same?

# %% predict
layer = nn.Linear(100, 100)


class ByModule(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.dropout = layer, nn.Dropout(0.3)

    def forward(self, x):
        return self.dropout(self.layer(x))


class ByFunction(ByModule):
    def forward(self, x):
        return F.dropout(self.layer(x), 0.3)


class ByFunctionWithMode(ByModule):
    def forward(self, x):
        return F.dropout(self.layer(x), 0.3, training=self.training)


x = torch.randn(5, 100)
for kind in (ByModule, ByFunction, ByFunctionWithMode):
    net = nn.Sequential(kind(), nn.ReLU())
    for mode in (True, False):
        net.train(mode)
        print(f"{kind.__name__:18} training={mode!s:5}  same output twice: {torch.equal(net(x), net(x))}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# In training mode all three are random. In evaluation mode `nn.Dropout` does nothing, even two modules deep: `eval()` reaches every
# module inside. But `F.dropout` is a function: it sees no module, and its default is `training=True`. Without
# `training=self.training` it goes on drawing forever.
#
# </details>
#
# **The API.** `nn.Dropout(p=0.5)` as a module, `F.dropout(x, p=0.5, training=True)` as a function. `nn.Dropout2d` switches off
# whole channels of images.
#
# **In practice.**
#
# - A new module is in training mode. Call `net.eval()` before you use or test it, and `net.train()` before the next training epoch.
# - `net.eval()` and `torch.no_grad()` are different things, and you usually want both. The first changes what some layers compute;
#   the second saves the work of recording what gradients need.
# - Nothing warns you. A forgotten `eval()` gives outputs that look right and are worse than they should be.
#
# ### Exercise: Find the forgotten mode
#
# `accuracy(net, x, labels)` returns the share of samples whose largest output is at the index that the label gives. A colleague's
# version below may give a different number on each call, and a call may even harm `net`. Fix it.
#
# - `net` is any `nn.Module`, perhaps with dropout and batch normalisation inside. No module is registered twice in it. (Batch
#   normalisation comes below; Hint 1 says what you need to know of it here.) The share is that of `net` in evaluation mode, a
#   Python `float` between 0 and 1.
# - Afterwards, **each** module in `net` is in the mode that it was in before. (Some may have been in evaluation mode while the rest
#   was training.)
# - The parameters of `net`, their gradients, and its buffers stay as they are, and so do `x` and `labels`.
# - `x` has shape $N \times \dots$ with any $N \ge 1$ and fits `net`; `labels` is int64 of shape $(N,)$. The output of `net` has
#   shape $N \times$ classes.
#
# You may change any line. When you are done, delete the line `raise NotImplementedError`.
#
# <details><summary>Hint 1: what harm?</summary>
#
# In training mode, what a batch normalisation layer returns for a sample depends on the other samples, too, and it changes its
# buffers in every forward pass. You will see both below.
#
# </details>
#
# <details><summary>Hint 2: give the modes back</summary>
#
# `net.modules()` yields `net` and every module inside it. Note each one's `training` before you call `net.eval()`. Afterwards,
# `net.train()` would be wrong: it switches *every* module to training mode. Set `module.training` for each module separately. (Or
# leave `net` alone and work on a copy: `import copy`, then `copy.deepcopy(net)`.)
#
# </details>


# %% exercise="accuracy" difficulty=2 minutes=9
def accuracy(net: nn.Module, x: torch.Tensor, labels: torch.Tensor) -> float:
    """The share of samples whose largest output is at the index labels gives, with net in evaluation mode.

    x: (N, …). labels: (N,), int64. Returns: a Python float.
    """
    ### BEGIN SOLUTION
    # Or note the mode of each module, call net.eval(), and set each module.training again at the end.
    import copy

    net = copy.deepcopy(net).eval()
    ### END SOLUTION
    right = 0
    with torch.no_grad():
        for some, wanted in zip(x.split(100), labels.split(100)):
            right += (net(some).argmax(dim=1) == wanted).sum().item()
    return right / len(x)


# %% check="accuracy" points=2
import contextlib
import copy
import io

g = torch.Generator().manual_seed(153)


class Both(nn.Module):
    """Dropout as a function of the mode, a batch normalisation, and a module that is used twice."""

    def __init__(self, size):
        super().__init__()
        self.twice = nn.Sequential(nn.Linear(size, size), nn.BatchNorm1d(size))
        self.out = nn.Linear(size, 12)

    def forward(self, x):
        x = F.dropout(self.twice(x), 0.5, training=self.training)
        return self.out(F.relu(self.twice(x)))


def make(kind, modes="training", dtype=torch.float32):
    """A net with unusual values in its buffers, and some modules in another mode."""
    nets = {
        "batch normalisation": lambda: nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.Linear(6, 3)),
        "dropout": lambda: nn.Sequential(nn.Linear(5, 40), nn.Sequential(nn.Dropout(0.9)), nn.Linear(40, 3)),
        "both": lambda: nn.Sequential(Both(5)),
        "images": lambda: nn.Sequential(nn.BatchNorm2d(2), nn.Dropout2d(0.5), nn.Flatten(), nn.Linear(12, 3)),
    }
    net = nets[kind]().to(dtype)
    with torch.no_grad():
        for name, value in [*net.named_parameters(), *net.named_buffers()]:
            if value.is_floating_point():
                value.copy_(torch.randn(value.shape, generator=g) + ("var" in name) * 4)
                value.abs_() if "var" in name else None
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    net.train(modes != "evaluation")
    if modes == "mixed":
        for number, module in enumerate(net.modules()):
            module.training = number % 3 != 1
    return net


def many(title, *cases):
    """Run cases; one line for all of them."""
    with contextlib.redirect_stdout(io.StringIO()):
        for case in cases:
            case()
    require(True, title, "")


def examine(kind, n, modes="training", dtype=torch.float32):
    where = "some modules in evaluation mode" if modes == "mixed" else f"{modes} mode"
    title = f"a net with {kind}, {n} sample{'s' * (n > 1)}, {where}" + ", float64" * (dtype == torch.float64)
    net = make(kind, modes, dtype)
    x = 2 * torch.randn(n, *((2, 2, 3) if kind == "images" else (5,)), generator=g, dtype=dtype)
    with torch.no_grad():
        out = copy.deepcopy(net).eval()(x)
        labels = out.argmax(1)
        labels[n // 3 :] = torch.randint(out.shape[1], (n - n // 3,), generator=g)
        hits = (out.argmax(1) == labels).double()
        right = int(hits.sum())
        wrongly = int((copy.deepcopy(net).train()(x).argmax(1) == labels).sum()) if n > 1 else -1
    flags = {"net." + part if part else "net": module.training for part, module in net.named_modules()}
    state = {part: value.clone() for part, value in net.state_dict().items()}
    before, wanted = x.clone(), labels.clone()
    found = accuracy(inplace(net), inplace(x), inplace(labels))
    parts = [part.mean().item() for part in hits.split(100)]
    known = {
        "This is the number of right answers: return the share.": right,
        "This is in percent: return a share between 0 and 1.": 100 * right / n,
        "This is a tensor: .item() makes a Python number of it.": torch.tensor(right / n),
        "This is the mean of the shares of several parts: the last part is smaller, so it must count less.": (
            sum(parts) / len(parts)
        ),
    }
    if kind == "batch normalisation":
        known["Batch normalisation was still in training mode, so the samples influence one another."] = wrongly / n
    expect(found, right / n, f"accuracy of {title}", mistakes=known)
    what = f"the buffers and parameters of {title}, afterwards"
    expect({part: value.clone() for part, value in net.state_dict().items()}, state, what)
    expect(
        {"net." + part if part else "net": module.training for part, module in net.named_modules()},
        flags,
        f"`training` of each module of {title}, afterwards",
        mistakes={
            "Now all modules are training: train() reaches those inside, too. Set each module's own `training`.": (
                dict.fromkeys(flags, True)
            ),
            "The net is left in evaluation mode: the training would go on without dropout.": (
                dict.fromkeys(flags, False)
            ),
            "Only the mode of net itself is back: do the same for every module inside.": (
                dict.fromkeys(flags, False) | {"net": flags["net"]}
            ),
        },
    )
    kept = all(p.grad is not None and bool((p.grad == 1).all()) and p.requires_grad for p in net.parameters())
    require(kept, "parameters keep their gradients and stay trainable", "Do not touch .grad or requires_grad.")
    if not (torch.equal(x, before) and torch.equal(labels, wanted)):
        require(False, "x and labels stay as they are", "They have changed.")


examine("batch normalisation", 60)
examine("batch normalisation", 60, "mixed")
many(
    "more nets: dropout, both, images; one sample and many; float64; modes of all kinds",
    lambda: examine("dropout", 90),
    lambda: examine("both", 230, "mixed"),
    lambda: examine("both", 120, dtype=torch.float64),
    lambda: examine("both", 7, "evaluation"),
    lambda: examine("images", 1),
)
### BEGIN HIDDEN TESTS
many(
    "more nets",
    lambda: examine("images", 130, "mixed", torch.float64),
    lambda: examine("dropout", 1, "mixed"),
    lambda: examine("both", 101),
    lambda: examine("batch normalisation", 30, "evaluation"),
)
### END HIDDEN TESTS

# %% [markdown]
# ## Many nets in one
#
# With 10 hidden units there are $2^{10} = 1024$ ways to switch units off. Each is a smaller net of its own, a **subnet**, and all
# of them share the same weights. Each training step draws a few of them and improves those. So dropout trains a large **ensemble**
# of nets. Is that more than a manner of speaking? With only 10 hidden units we can ask every one of the subnets.

# %% varies
torch.manual_seed(0)
small = nn.Sequential(nn.Linear(784, 10), nn.ReLU(), nn.Dropout(0.5), nn.Linear(10, 10))
train(small, torch.optim.Adam(small.parameters(), lr=3e-3), epochs=40)
print(f"in evaluation mode, {share_right(small, test_x, test_y):.1%} of the new digits are right")

# %% [markdown]
# **Before you run it:** now each of the 1024 subnets reads the 359 new digits. How good is a subnet on average, and how good is the
# best one: better or worse than the whole net in evaluation mode? And how far is the average of all 1024 outputs (the logits) from
# the output of the whole net?

# %% predict varies
masks = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 10)  # 1024 rows of zeros and ones
with torch.no_grad():
    hidden = F.relu(small[0](test_x))
    outputs = torch.stack([small[3](hidden * mask / 0.5) for mask in masks])  # 1024 × 359 × 10
    whole = small(test_x)
shares = (outputs.argmax(2) == test_y).float().mean(dim=1)
print(f"subnets: {shares.mean():.1%} right on average, the best {shares.max():.1%}")
print(f"whole net: {share_right(small, test_x, test_y):.1%} right")
print(
    f"mean of the 1024 outputs and output of the whole net differ by {(outputs.mean(0) - whole).abs().max():.0e} at most"
)

# %% predict varies folded label="Draw the accuracies of all subnets"
figure, ax = plot_axes(6.2, 3.0)
ax.hist(shares, bins=40, range=(0, 0.8), color=COLOURS["plain"])
height = ax.get_ylim()[1]
for value, text, colour in [
    (shares.mean(), "mean", COLOURS["input"]),
    (share_right(small, test_x, test_y), "whole net", COLOURS["output"]),
]:
    ax.axvline(float(value), color=colour, lw=2)
    ax.text(float(value) - 0.008, height, text, color=colour, ha="right", va="top", fontsize=11)
ax.set(xlabel="share of new digits read correctly", ylabel="subnets", xlim=(0, 0.8))
show(
    figure,
    alt="A histogram of the accuracies of the 1024 subnets, from about 0.1 to 0.75 with a mean near 0.4. A line to the right of all "
    "bars marks the whole net in evaluation mode, at about 0.8.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# In evaluation mode the whole net is better than each of the 1024 subnets, although the training never ran it: every training step
# ran subnets only. (One of them keeps all ten units, but it doubles them.) And its output *is* the average of their outputs, up to
# rounding. Only a linear layer comes after the dropout, and with $p = 0.5$ all masks are equally likely;
# $\mathbb{E}[r_i / (1 - p)] = 1$, so the mean over all masks is the output without a mask.
#
# With another ReLU after that layer this would no longer be exact: the mean of its outputs is not its output for the mean input, so
# the whole net is only close to the average. In practice that is good enough: one pass instead of thousands.
#
# </details>
#
# You can also average a few random passes with dropout left on ("Monte Carlo dropout"). That costs more, but it also shows how sure
# the net is: if the passes disagree, it is not.
#
# ### Exercise: Average several passes
#
# Write `average_passes(net, x, passes)`. It calls `net` with dropout switched on and averages the probabilities.
#
# - Each pass gives $N \times C$ logits; their softmax over the classes gives probabilities. Return the mean of the probabilities
#   over `passes` passes (at least one): shape $N \times C$, without a gradient.
# - In these passes every `nn.Dropout` in `net`, however deeply nested, is in training mode, and every other module is in evaluation
#   mode. (A batch normalisation layer must not learn from the samples that you ask about.)
# - Each pass and each sample has a dropout mask of its own. Do not set a seed.
# - Afterwards each module in `net` has the mode that it had before; parameters, buffers and `x` stay as they are. No module is
#   registered twice in `net`.
#
# <details><summary>Hint 1: set the modes</summary>
#
# Note each module's mode first, as in `accuracy`. `net.eval()` then switches everything off. Go through `net.modules()` and switch
# on those for which `isinstance(module, nn.Dropout)` holds.
#
# </details>
#
# <details><summary>Hint 2: the average</summary>
#
# Average the probabilities, not the logits: softmax first. `torch.stack` puts the passes into one tensor, or you add them up.
# `torch.no_grad()` keeps gradients out.
#
# </details>


# %% exercise="average_passes" difficulty=2 minutes=10
def average_passes(net: nn.Module, x: torch.Tensor, passes: int) -> torch.Tensor:
    """The mean over several passes with dropout of the probabilities of each class.

    x: (N, …), a batch for net. Returns: (N, C), without a gradient.
    """
    ### BEGIN SOLUTION
    modes = [(module, module.training) for module in net.modules()]
    for module, _ in modes:
        module.training = isinstance(module, nn.Dropout)
    with torch.no_grad():
        total = sum(net(x).softmax(dim=1) for _ in range(passes))
    for module, mode in modes:
        module.training = mode
    return total / passes
    ### END SOLUTION


# %% check="average_passes" points=2
import contextlib
import copy
import io
import itertools

g = torch.Generator().manual_seed(154)


class Own(nn.Module):
    """Something that looks at its mode."""

    def forward(self, x):
        return F.dropout(x, 0.5, training=self.training)


def make(p, modes="training", double=False, others=False):
    """A net with four units that dropout may switch off; with others, also with more modules that have two modes."""
    inner = nn.Sequential(nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(p)), nn.Linear(4, 3))
    front = nn.Linear(2, 4)
    if others:
        images = nn.Sequential(nn.Unflatten(1, (2, 2, 1)), nn.BatchNorm2d(2), nn.Dropout2d(0.5), nn.Flatten())
        front = nn.Sequential(front, nn.AlphaDropout(0.5), images, Own())
    net = nn.Sequential(front, inner)
    with torch.no_grad():
        for name, value in [*net.named_parameters(), *net.named_buffers()]:
            if value.is_floating_point():
                value.copy_(1.5 * torch.randn(value.shape, generator=g))
                value.abs_().add_(0.5) if "var" in name else None
    net = net.double() if double else net
    net.train(modes == "training")
    if modes == "mixed":
        inner[0].train()
        inner[0][1].eval()
    return net, inner


def subnets(net, inner, x, p, batch=False, logits=False):
    """The 16 possible results, of shape (16, N, 3)."""
    net = copy.deepcopy(net).eval()
    hidden = net[0](x)
    norm = net[1][0][0].train(batch)
    masks = [torch.tensor(mask, dtype=x.dtype) for mask in itertools.product([0.0, 1.0], repeat=4)]
    out = torch.stack([net[1][1](norm(hidden) * mask / (1 - p)) for mask in masks])
    return out.detach() if logits else out.softmax(2).detach()


def among(y, candidates):
    """Whether each row of y is the same row of one of the candidates."""
    distances = (candidates - y).abs().amax(2)  # candidates × N
    return bool((distances.amin(0) < 1e-5).all())


def many(title, *cases):
    """Run cases; one line for all of them."""
    with contextlib.redirect_stdout(io.StringIO()):
        for case in cases:
            case()
    require(True, title, "")


def examine(n, passes, p=0.5, modes="training", double=False, others=False):
    where = "some modules in evaluation mode" if modes == "mixed" else f"{modes} mode"
    title = f"average_passes(net, x, {passes}) for {n} sample{'s' * (n > 1)}, {where}"
    title += ", a net with AlphaDropout, Dropout2d, BatchNorm2d and a module of its own" * others
    net, inner = make(p, modes, double, others)
    x = torch.randn(n, 2, generator=g, dtype=torch.float64 if double else torch.float32)
    before, state = x.clone(), {part: value.clone() for part, value in net.state_dict().items()}
    flags = {"net." + part if part else "net": module.training for part, module in net.named_modules()}
    single = subnets(net, inner, x, p)
    y = average_passes(inplace(net), inplace(x), passes)
    got = f"a tensor of shape {tuple(y.shape)}, {y.dtype}" if isinstance(y, torch.Tensor) else type(y).__name__
    expect(got, f"a tensor of shape ({n}, 3), {x.dtype}", f"the result of {title}")
    require(not y.requires_grad, "it has no gradient", "It requires a gradient: use torch.no_grad() or detach().")
    several = [list(chosen) for chosen in itertools.combinations_with_replacement(range(16), passes)]

    def means(of):
        """The means over every choice of as many subnets."""
        return of[torch.tensor(several)].mean(1)

    if not among(y, means(single)):
        logits = subnets(net, inner, x, p, logits=True)
        whole = copy.deepcopy(net).eval()(x).softmax(1).detach()
        advice = "Some row is not the mean of the probabilities of that many subnets."
        if among(y, whole[None]):
            advice = (
                "Dropout is off: this is the output of the whole net. Nested modules count, too: use net.modules()."
            )
        elif n > 1 and among(y, means(subnets(net, inner, x, p, batch=True))):
            advice = "Batch normalisation is in training mode: only the dropout modules should be."
        elif among(y, means(logits)):
            advice = "These are logits: the softmax is missing."
        elif passes > 1 and among(y, means(logits).softmax(2)):
            advice = "You averaged the logits: average the probabilities."
        elif passes > 1 and among(y, means(logits.log_softmax(2)).exp()):
            advice = "You averaged the logarithms of the probabilities: average the probabilities."
        elif passes > 1 and among(y, passes * means(single)):
            advice = "This is the sum over the passes: divide by their number."
        elif not torch.allclose(y.sum(1), torch.ones(n, dtype=y.dtype), atol=1e-4):
            advice = "The rows do not add up to 1: the softmax goes over the classes, dim=1."
        elif others:
            advice = "A module other than nn.Dropout is in training mode: an nn.AlphaDropout, say, or one of its own."
        require(False, title, advice)
    require(True, title, "")
    if passes > 1 and n > 4:
        some = average_passes(net, x, passes)
        require(not torch.equal(some, y), "a second call draws new masks", "It gives the same result.")
    found = {part: value.clone() for part, value in net.state_dict().items()}
    expect(found, state, f"buffers and parameters after {title}")
    expect(
        {"net." + part if part else "net": module.training for part, module in net.named_modules()},
        flags,
        f"`training` of each module after {title}",
        mistakes={
            "The dropout modules are left in training mode.": {
                "net." + part if part else "net": isinstance(module, nn.Dropout) for part, module in net.named_modules()
            },
            "The net is left in evaluation mode.": dict.fromkeys(flags, False),
            "Now all modules are training: train() reaches those inside, too. Set each module's own `training`.": (
                dict.fromkeys(flags, True)
            ),
        },
    )
    if not torch.equal(x, before):
        require(False, "x stays as it is", "It has changed.")


many(
    "1 to 3 passes for 1 to 9 samples, float64 as well, with modules of several kinds in all modes",
    lambda: examine(9, 1, modes="mixed"),
    lambda: examine(9, 2),
    lambda: examine(1, 3, modes="evaluation"),
    lambda: examine(5, 2, p=0.2, double=True),
    lambda: examine(9, 1, others=True),
)
net, inner = make(0.5)
x = torch.randn(1, 2, generator=g).expand(64, 2)
y = average_passes(net, x, 1)
different = len({tuple(row) for row in (1e5 * y).round().tolist()})
require(
    different > 4, "each sample has a mask of its own", f"64 equal samples gave only {different} different results."
)
y = average_passes(net, x, 2)
away = (y - subnets(net, inner, x, 0.5)).abs().amax(2).amin(0)
require(bool((away > 1e-4).any()), "each pass has a mask of its own", "All passes gave the same result.")
y = average_passes(net, x, 60)
expect(
    y.mean(0),
    subnets(net, inner, x[:1], 0.5).mean(0)[0],
    "the mean over 60 passes and 64 samples is near the mean over all subnets",
    rtol=0.0,
    atol=0.05,
)
### BEGIN HIDDEN TESTS
many(
    "more samples and passes",
    lambda: examine(6, 3, p=0.4, modes="mixed"),
    lambda: examine(1, 1),
    lambda: examine(8, 2, p=0.7, modes="evaluation"),
    lambda: examine(7, 1, p=0.3, double=True, modes="mixed", others=True),
)
### END HIDDEN TESTS

# %% [markdown]
# ### How many passes?
#
# The small net of 10 hidden units reads the new digits with your `average_passes`, with 1 to 100 passes.


# %% yours varies folded label="Average 1 to 100 passes, and draw the accuracy"
def our_average(net, x, passes):
    modes = [module.training for module in net.modules()]
    net.eval()
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.train()
    with torch.no_grad():
        mean = torch.stack([net(x).softmax(1) for _ in range(passes)]).mean(0)
    for module, mode in zip(net.modules(), modes):
        module.training = mode
    return mean


average = yours_or_ours(
    average_passes, our_average, nn.Sequential(nn.Linear(2, 2), nn.Dropout()), torch.ones(3, 2), 2, random=True
)
torch.manual_seed(0)
counts = [1, 2, 3, 5, 10, 20, 50, 100]
hits = [(average(small, test_x, count).argmax(1) == test_y).float().mean().item() for count in counts]
figure, ax = plot_axes(6.2, 3.0)
ax.axhline(share_right(small.eval(), test_x, test_y), color=COLOURS["output"], lw=2, ls="--")
ax.plot(counts, hits, "o-", color=COLOURS["input"], lw=2)
ax.text(
    1,
    share_right(small, test_x, test_y) + 0.01,
    "the whole net in one pass",
    color=COLOURS["output"],
    va="bottom",
    fontsize=11,
)
ax.set(xscale="log", xticks=counts, xticklabels=counts, xlabel="passes averaged", ylabel="share right", ylim=(0.3, 0.9))
ax.minorticks_off()
show(
    figure,
    alt="The share of new digits read correctly against the number of passes that are averaged: about 0.4 with one pass, rising to more than 0.7 with "
    "10 or more. A dashed line at about 0.8 marks the whole net in evaluation mode.",
)

# %% [markdown]
# One pass is one random subnet per digit. Ten passes or more come close to what the whole net does in one.
#
# ## Why scale matters
#
# Now to the second of the two layers, batch normalisation. It starts from a question about gradient descent, known from the valley
# in `02_gradients_and_optimizers`: what makes a loss easy to descend?
#
# Take the simplest model: $\hat y = w_1 x_1 + w_2 x_2$ with the loss $L(w) = \frac{1}{2N} \sum_n (\hat y_n - y_n)^2$. In the raw
# data $x_1$ varies by about $\pm 1$ and $x_2$ by about $\pm 8$: they are measured in different units. In the standardised data each
# column has been divided by its standard deviation. Both data sets are centred. The learning rate is $1/\lambda_{\max}$: in the
# direction of the largest curvature one such step leads exactly to the bottom. (The $\lambda$ are the curvatures of $L$, the
# eigenvalues of its matrix of second derivatives, the Hessian.)
#
# **Before you run it:** roughly how many steps does each need until the loss has fallen to a thousandth of its initial value?

# %% predict
g = torch.Generator().manual_seed(0)
raw = torch.randn(200, 2, generator=g, dtype=torch.float64) * torch.tensor([1.0, 8.0])
raw -= raw.mean(dim=0)
target = raw @ torch.tensor([2.0, 0.25], dtype=torch.float64)


def descend(x, most=1000):
    """Gradient descent from w = 0 until the loss is a thousandth. Returns the path and the curvatures."""
    hessian = x.T @ x / len(x)
    curvatures = torch.linalg.eigvalsh(hessian)  # in ascending order
    w, path = torch.zeros(2, dtype=torch.float64), []
    while len(path) < most:
        path.append(w)
        error = x @ w - target
        if error.square().mean() <= target.square().mean() / 1000:
            break
        w = w - (x.T @ error / len(x)) / curvatures[-1]
    return torch.stack(path), curvatures


standard = raw / raw.std(dim=0, correction=0)
for name, data in [("raw", raw), ("standardised", standard)]:
    path, curvatures = descend(data)
    print(
        f"{name:12} {len(path) - 1:4} step(s); curvatures {curvatures[0]:.2f} and {curvatures[1]:.2f}, ratio {curvatures[1] / curvatures[0]:.1f}"
    )

# %% predict folded label="Draw both loss surfaces and paths"
figure, axes = plt.subplots(2, 1, figsize=(5.2, 6.2), layout="constrained", height_ratios=[1.5, 4.6])
for ax, data, title, highest in zip(axes, [raw, standard], ["raw", "standardised"], [1.0, 4.1]):
    path, _ = descend(data)
    best = torch.linalg.lstsq(data, target[:, None]).solution[:, 0]
    across = torch.linspace(-0.6, 4.6, 120, dtype=torch.float64)
    up = torch.linspace(-0.5, highest, 120, dtype=torch.float64)
    grid = torch.cartesian_prod(across, up)
    surface = ((grid @ data.T - target) ** 2).mean(1) / 2
    levels = [0.02, 0.1, 0.3, 0.7, 1.3, 2.2, 3.5, 6]
    ax.contour(across, up, surface.reshape(120, 120).T, levels=levels, colors=COLOURS["plain"], linewidths=1)
    ax.plot(*path.T, "o-", color=COLOURS["learned"], ms=3.5, lw=1.4)
    ax.plot(*best, "*", color=COLOURS["loss"], ms=14)
    ax.set(xlabel="$w_1$", ylabel="$w_2$", title=f"{title}: {len(path) - 1} step(s)", aspect="equal")
show(
    figure,
    alt="Two contour plots of the loss over both weights with the path of gradient descent. Raw: the contours are long flat ellipses; the path first jumps to "
    "the bottom of the valley and then creeps along it in many tiny steps. Standardised: the contours are nearly circles, and a single step leads "
    "almost to the minimum.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# The step size must suit the direction of the largest curvature. In that of the smallest, each step then removes only
# $\lambda_{\min} / \lambda_{\max}$ of the error. The ratio $\lambda_{\max} / \lambda_{\min}$ is the **condition number**: about 60
# for the raw data, a little over 1 once both columns have the same scale (they are hardly correlated). Then the curvature is nearly
# the same in all directions, one step size suits them all, and a single step does it.
#
# </details>
#
# You can standardise the *inputs* of a net once, before training. But the inputs of its second layer are the outputs of the first,
# and they change with each step. They have to be standardised inside the net, all the time.
#
# ## Batch normalisation
#
# Ioffe and Szegedy's idea (2015) is simple: if you want activations with mean 0 and variance 1, make them so. Let $x$ be
# $N \times D$: $N$ samples with $D$ features each. For each feature $j$,
#
# $$\mu_j = \frac{1}{N} \sum_{i=1}^{N} x_{i,j}, \qquad \sigma_j^2 = \frac{1}{N} \sum_{i=1}^{N} (x_{i,j} - \mu_j)^2, \qquad
# \hat x_{i,j} = \frac{x_{i,j} - \mu_j}{\sqrt{\sigma_j^2 + \varepsilon}}, \qquad y_{i,j} = \gamma_j\, \hat x_{i,j} + \beta_j .$$
#
# The mean and the variance are those of the *batch*. The small $\varepsilon$ (by default $10^{-5}$) avoids a division by zero.
# $\gamma_j$ and $\beta_j$ are parameters, at first 1 and 0, so that the net can choose another scale and offset where that is
# better.

# %%
x = torch.tensor([[1.0, 200.0, -5.0], [3.0, 220.0, -5.5], [2.0, 240.0, -5.5], [6.0, 300.0, -4.0]])
norm = nn.BatchNorm1d(3)
y = norm(x)
print("x        means of the columns", x.mean(dim=0).tolist())
print("norm(x)  means of the columns", [round(mean, 3) + 0 for mean in y.mean(dim=0).tolist()])
print("norm(x)  their variances     ", [round(v, 3) for v in y.var(dim=0, correction=0).tolist()])

# %% folded label="Draw the batch before and after"
draw_row(
    Grid(x, "x", "input"),
    "→",
    Grid(y.detach(), "norm(x)", "output"),
    alt="On the left the 4×3 batch with columns around 3, 240 and −5. On the right the output: in each of its columns the values lie between "
    "about −1.2 and 1.7, with mean 0.",
    cell=0.62,
)

# %% [markdown]
# **Before you run it:** we replace the last sample with another and leave the other three alone. Which rows of the output change?

# %% predict
other = x.clone()
other[3] = torch.tensor([0.0, 100.0, 9.0])
change = (norm(other) - norm(x)).abs().sum(dim=1)
print("rows that change:", [i for i in range(4) if change[i] > 0])

# %% [markdown]
# <details><summary>Why?</summary>
#
# All four. The last sample is part of each column's mean and variance, so it affects every other sample. No layer before this one
# did that. It also means that during training a sample's output depends on which others are in its batch. This acts as noise, and
# the noise helps a little against overfitting, too.
#
# </details>
#
# **Before you run it:** what happens in training mode if the batch consists of a single sample with three features? And if it is a
# single *image*, with three channels of 2×2 pixels? (Each channel counts as one feature, with a value at every position.)

# %% predict folded label="Run both"
try:
    print(nn.BatchNorm1d(3)(torch.tensor([[1.0, 2.0, 3.0]])))
except ValueError as error:
    print("one sample:", error)
print("one image:", nn.BatchNorm2d(3)(torch.arange(12.0).reshape(1, 3, 2, 2)).detach().flatten(2)[0, 0])

# %% [markdown]
# <details><summary>Why?</summary>
#
# A single value per feature has variance 0, and its normalised value would always be 0. PyTorch refuses. For images there is one
# $\mu$ and one $\sigma^2$ per **channel**, over all samples and all positions: a convolution uses the same kernel everywhere, so
# its outputs belong together. Here each channel has four values, which is enough.
#
# </details>
#
# **The API.** `nn.BatchNorm1d(D)` takes $N \times D$ or $N \times D \times L$, `nn.BatchNorm2d(C)` takes
# $N \times C \times H \times W$. As a function: `F.batch_norm`.
#
# ### Exercise: Normalise a batch
#
# Write `normalize_batch(x, gamma, beta, eps)`: what batch normalisation computes in training mode. Do it without `F.batch_norm`,
# `F.instance_norm`, `F.group_norm`, `F.layer_norm`, `F.rms_norm` or the same under other names (`nn.BatchNorm1d`,
# `torch.batch_norm`, …).
#
# - `x` is float32 or float64, of shape $N \times C$ or $N \times C \times \dots$ with one, two or three more dimensions. `gamma`
#   and `beta` have shape $(C,)$ and the dtype of `x`; `eps` is a Python float greater than 0. There are at least two values per
#   channel.
# - Mean and variance are taken per channel, over all other dimensions. The variance is divided by the number of values, not by one
#   less.
# - A channel whose values are all equal becomes `beta`, up to rounding, and no gradient is *nan*.
# - The result is right to about three digits even if the mean of a channel is a thousand times as large as its standard deviation.
# - The result is a new tensor; `x`, `gamma` and `beta` stay as they are. Gradients flow to all three, also through mean and
#   variance.
#
# <details><summary>Hint 1: which dimensions?</summary>
#
# All but dimension 1. `x.mean(dim=(0, 2, 3))` takes the mean over several dimensions at once, and with `keepdim=True` it keeps them
# with size 1, so that the result broadcasts against `x`.
#
# </details>
#
# <details><summary>Hint 2: gamma and beta</summary>
#
# Their shape $(C,)$ must become $1 \times C \times 1 \times \dots$ with as many dimensions as `x`: `gamma.view(shape)` with
# `shape = [1] * x.dim()` and `shape[1] = -1`.
#
# </details>
#
# <details><summary>Hint 3: lost digits</summary>
#
# The difference $\overline{x^2} - \bar{x}^2$ of two large, nearly equal numbers has few correct digits. Subtract the mean first.
# `x.var` does so; its `correction=0` divides by the number of values.
#
# </details>


# %% exercise="normalize_batch" difficulty=2 minutes=9
def normalize_batch(x: torch.Tensor, gamma: torch.Tensor, beta: torch.Tensor, eps: float) -> torch.Tensor:
    """Batch normalisation with the statistics of the batch.

    x: (N, C) or (N, C, …). gamma, beta: (C,). Returns: like x.
    """
    ### BEGIN SOLUTION
    others = [d for d in range(x.dim()) if d != 1]
    shape = [-1 if d == 1 else 1 for d in range(x.dim())]
    centred = x - x.mean(dim=others, keepdim=True)
    variance = centred.square().mean(dim=others, keepdim=True)
    return centred / (variance + eps).sqrt() * gamma.view(shape) + beta.view(shape)
    ### END SOLUTION


# %% check="normalize_batch" points=2
import contextlib
import io

g = torch.Generator().manual_seed(155)
kinds = "batch_norm", "instance_norm", "group_norm", "layer_norm", "rms_norm"


def draw(shape, dtype=torch.float32, turned=False):
    x = torch.randn(shape, generator=g, dtype=dtype) * 2 + torch.arange(shape[1]).view(-1, *[1] * (len(shape) - 2))
    x = x.transpose(0, -1).contiguous().transpose(0, -1) if turned else x
    gamma = torch.randn(shape[1], generator=g, dtype=dtype)
    return x, gamma + gamma.sign(), torch.randn(shape[1], generator=g, dtype=dtype)


def reference(x, gamma, beta, eps):
    return F.batch_norm(x, None, None, gamma, beta, True, 0.0, eps)


def named(x, gamma, beta, eps):
    """What known mistakes lead to, for x of shape (N, C, H, W) with H ≠ W."""
    n = x.numel() / x.shape[1]
    up = n / (n - 1)
    return {
        "The variance is divided by one less than the number of values: correction=0 divides by the number.": (
            reference(x, gamma * (1 / up) ** 0.5, beta, eps / up)
        ),
        "gamma and beta are missing.": reference(x, torch.ones_like(gamma), torch.zeros_like(beta), eps),
        "eps belongs under the square root, added to the variance.": (
            reference(x, gamma, torch.zeros_like(beta), 1e-30)
            * (x.var((0, 2, 3), correction=0).sqrt() / (x.var((0, 2, 3), correction=0).sqrt() + eps)).view(1, -1, 1, 1)
            + beta.view(1, -1, 1, 1)
        ),
        "Each image was normalised by itself: take the mean over the samples, too.": F.instance_norm(
            x, weight=gamma, bias=beta, eps=eps
        ),
        "One mean for all channels was used: each channel has its own.": (
            reference(x.reshape(-1, 1), None, None, eps).view_as(x) * gamma.view(1, -1, 1, 1) + beta.view(1, -1, 1, 1)
        ),
        "The mean was taken over the samples only: take it over all positions, too.": (
            reference(x.flatten(1), None, None, eps).view_as(x) * gamma.view(1, -1, 1, 1) + beta.view(1, -1, 1, 1)
        ),
        "The square root is missing: divide by the standard deviation.": (
            reference(x, gamma, torch.zeros_like(beta), eps)
            / (x.var((0, 2, 3), correction=0) + eps).sqrt().view(1, -1, 1, 1)
            + beta.view(1, -1, 1, 1)
        ),
        "gamma and beta are swapped.": reference(x, beta, gamma, eps),
        "The argument eps is not used: add it to the variance.": reference(x, gamma, beta, 1e-12),
        "Each position of each sample was normalised over its channels: take the mean over all but dimension 1.": (
            F.layer_norm(x.movedim(1, -1), x.shape[1:2], gamma, beta, eps).movedim(-1, 1)
        ),
        "Each sample was normalised by itself, over all its channels: take the mean over all but dimension 1.": (
            F.layer_norm(x, x.shape[1:], eps=eps) * gamma.view(1, -1, 1, 1) + beta.view(1, -1, 1, 1)
        ),
    }


def many(title, *cases):
    """Run cases; one line for all of them."""
    with contextlib.redirect_stdout(io.StringIO()):
        for case in cases:
            case()
    require(True, title, "")


def examine(shape, eps, dtype=torch.float32, turned=False, far=False, constant=False, name_mistakes=False):
    what = f"for x of shape {shape}, {str(dtype).removeprefix('torch.')}, eps = {eps}" + ", not contiguous" * turned
    what += ", with means 1000 times the standard deviation" * far + ", with equal values in channel 0" * constant
    values = draw(shape, dtype, turned)
    if far:
        shift = torch.tensor([2000.0, -2000.0, 0.0])[torch.arange(shape[1]) % 3]
        values = (values[0] + shift.view(-1, *[1] * (len(shape) - 2)), *values[1:])
    if constant:
        values[0][:, 0] = 0.0
    before = [value.clone() for value in values]
    with forbidden(*kinds):
        y = normalize_batch(*map(inplace, values), eps)
    for name, value, old in zip(("x", "gamma", "beta"), values, before):
        if not torch.equal(value, old):
            require(False, f"{name} stays as it is {what}", "It has changed: make a new tensor.")
    exact = reference(*(value.double() for value in before), eps).to(dtype)
    tolerance = {"rtol": 1e-9, "atol": 1e-9} if dtype == torch.float64 else {"rtol": 1e-4, "atol": 1e-4}
    if far:
        tolerance = {"rtol": 2e-3, "atol": 2e-3}
    expect(y, exact, f"normalize_batch {what}", mistakes=named(*before, eps) if name_mistakes else None, **tolerance)
    if far:
        return
    leaves = [value.clone().requires_grad_() for value in before]
    twins = [value.clone().requires_grad_() for value in before]
    upstream = torch.randn(shape, generator=g, dtype=dtype)
    with forbidden(*kinds):
        y = normalize_batch(*leaves, eps)
    require(y.requires_grad, f"autograd follows normalize_batch {what}", "The path for gradients is cut.")
    found = torch.autograd.grad((y * upstream).sum(), leaves, allow_unused=True)
    wanted = torch.autograd.grad((reference(*twins, eps) * upstream).sum(), twins)
    for name, mine, theirs in zip(("x", "gamma", "beta"), found, wanted):
        if mine is None:
            require(False, f"a gradient reaches {name} {what}", "None reaches it: do not detach anything.")
        known = {}
        if name == "x" and name_mistakes:
            scale = before[1] / (before[0].var((0, 2, 3), correction=0) + eps).sqrt()
            known["Mean and variance were detached: the gradient flows through them, too."] = upstream * scale.view(
                1, -1, 1, 1
            )
        tolerance = {"rtol": 1e-3, "atol": 1e-4} if dtype == torch.float32 else {"rtol": 1e-8, "atol": 1e-8}
        expect(mine, theirs, f"the gradient of {name} {what}", mistakes=known, **tolerance)


examine((6, 3, 4, 2), 0.5, name_mistakes=True)
many(
    "more inputs with up to five dimensions, float64, not contiguous, large means, with their gradients",
    lambda: examine((5, 3), 1e-5),
    lambda: examine((4, 1), 0.1, torch.float64),
    lambda: examine((3, 2, 7), 1e-5),
    lambda: examine((2, 3, 2, 1, 3), 1e-3, torch.float64, turned=True),
    lambda: examine((1, 2, 3, 3), 1e-5),
    lambda: examine((50, 3), 1e-5, far=True),
    lambda: examine((4, 2, 3), 1e-3, constant=True),
)
x, gamma, beta = draw((4, 2))
x[:, 1] = 3.0
expect(
    normalize_batch(x, gamma, beta, 1e-5)[:, 1], beta[1].expand(4), "a channel whose values are all equal becomes beta"
)
### BEGIN HIDDEN TESTS
many(
    "more inputs",
    lambda: examine((7, 4), 0.3, torch.float64, turned=True),
    lambda: examine((2, 5, 3, 4), 1e-5, turned=True),
    lambda: examine((3, 1, 2), 1e-2),
    lambda: examine((2, 2, 1, 2, 2), 1e-5),
    lambda: examine((9, 2, 3, 3), 1e-5, far=True),
    lambda: examine((6, 2), 1e-2, constant=True),
)
### END HIDDEN TESTS

# %% [markdown]
# ### γ and β can undo it
#
# What if mean 0 and variance 1 are *not* what the next layer needs? Then training can move $\gamma$ and $\beta$. Each feature can
# be given any mean and any variance: even those that it had before, so that the whole layer does nothing.
#
# ### Exercise: Undo it
#
# Write `undo(norm, x)`: set $\gamma$ and $\beta$ so that `norm(x)` returns `x`, up to rounding.
#
# - `norm` is an `nn.BatchNorm1d` or `nn.BatchNorm2d` in training mode; `x` is a batch for it, with $N \times C$ or
#   $N \times C \times H \times W$ values, in the dtype of `norm`. The layer's $\varepsilon$ (`norm.eps`) may be large: take it into
#   account.
# - `norm.weight` ($\gamma$) and `norm.bias` ($\beta$) stay the same `Parameter`s, each as trainable or frozen as before; only
#   their values change.
# - It also works for channels whose values are all equal, and for means a thousand times as large as the standard deviation.
# - The buffers of `norm` and its mode stay as they are, and so does `x`. Return nothing.
#
# <details><summary>Hint 1: solve for γ and β</summary>
#
# You want $\gamma (x - \mu) / \sqrt{\sigma^2 + \varepsilon} + \beta = x$ for every $x$.
#
# </details>
#
# <details><summary>Hint 2: change a Parameter</summary>
#
# Inside `with torch.no_grad():`, `norm.weight.copy_(values)` writes into the parameter.
#
# </details>


# %% exercise="undo" difficulty=2 minutes=7
def undo(norm: nn.Module, x: torch.Tensor) -> None:
    """Set weight and bias of a batch normalisation so that it returns x for this x.

    norm: nn.BatchNorm1d or nn.BatchNorm2d, in training mode. x: (N, C) or (N, C, H, W).
    """
    ### BEGIN SOLUTION
    others = [d for d in range(x.dim()) if d != 1]
    variance, mean = torch.var_mean(x, dim=others, correction=0)
    with torch.no_grad():
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.copy_(mean)
    ### END SOLUTION


# %% check="undo" points=1
import contextlib
import io

g = torch.Generator().manual_seed(156)


def many(title, *cases):
    """Run cases; one line for all of them."""
    with contextlib.redirect_stdout(io.StringIO()):
        for case in cases:
            case()
    require(True, title, "")


def examine(shape, eps=1e-5, frozen=(), dtype=torch.float32, kind="usual"):
    layer = nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d
    norm = layer(shape[1], eps=eps).to(dtype)
    with torch.no_grad():
        for value in [norm.weight, norm.bias, norm.running_mean, norm.running_var]:
            value.copy_(1 + torch.rand(value.shape, generator=g))
    norm.num_batches_tracked += 5
    for name in frozen:
        norm.get_parameter(name).requires_grad_(False)
    x = 2 * torch.randn(shape, generator=g, dtype=dtype)
    x += torch.arange(3.0, 3.0 + shape[1]).view(-1, *[1] * (len(shape) - 2))
    title = f"{layer.__name__}({shape[1]}, eps={eps}), x of shape {shape}"
    title += f", frozen: {' and '.join(frozen)}" * bool(frozen) + f", {kind}" * (kind != "usual")
    if kind == "means of 2000":
        x += 2000.0
    elif kind == "equal values in channel 0":
        x[:, 0] = 3.0
    elif kind == "not contiguous":
        x = x.transpose(0, -1).contiguous().transpose(0, -1)
    before, buffers = x.clone(), {name: value.clone() for name, value in norm.named_buffers()}
    weight, bias = norm.weight, norm.bias
    old = weight.detach().clone(), bias.detach().clone()
    returned = undo(inplace(norm), inplace(x))
    expect(x, before, f"undo leaves x as it was: {title}")
    same = norm.weight is weight and norm.bias is bias
    require(same, "norm keeps its Parameters", "weight or bias was replaced: write the values into the old one.")
    require(
        weight.requires_grad == ("weight" not in frozen) and bias.requires_grad == ("bias" not in frozen),
        "they are as trainable or frozen as before",
        f"requires_grad has changed: {title}.",
    )
    expect(
        {name: value.clone() for name, value in norm.named_buffers()},
        buffers,
        f"the buffers of {title}, afterwards",
    )
    require(norm.training and norm.eps == eps, "norm is still in training mode, with its eps", "It has changed.")
    others = [d for d in range(len(shape)) if d != 1]
    n = x.numel() / shape[1]
    variance, mean = before.var(others, correction=0), before.mean(others)
    view = [-1 if d == 1 else 1 for d in range(len(shape))]
    hat = (before - mean.view(view)) / (variance + eps).sqrt().view(view)

    def result(gamma, beta):
        return hat * gamma.view(view) + beta.view(view)

    known = {
        "eps is missing from gamma.": result(variance.sqrt(), mean),
        "gamma is the standard deviation with n − 1: the layer divides by n.": result(
            (variance * n / (n - 1) + eps).sqrt(), mean
        ),
        "gamma and beta are swapped.": result(mean, (variance + eps).sqrt()),
        "gamma is the variance: its square root was wanted.": result(variance + eps, mean),
        "gamma is the inverse of what it should be.": result(1 / (variance + eps).sqrt(), mean),
        "weight and bias still have their old values: write into them.": result(*old),
        "Those are the running estimates: take mean and variance of x.": result(
            (buffers["running_var"] + eps).sqrt(), buffers["running_mean"]
        ),
        "beta is the mean with the wrong sign.": result((variance + eps).sqrt(), -mean),
    }
    twin = layer(shape[1], eps=eps).to(dtype)
    twin.load_state_dict(norm.state_dict())
    with torch.no_grad():
        y = twin(x)
    tight = {"rtol": 1e-9, "atol": 1e-9} if dtype == torch.float64 else {"rtol": 1e-5, "atol": 1e-3}
    usual = kind == "usual"
    expect(y, before, f"norm(x) after undo(norm, x): {title}", mistakes=known if usual else None, **tight)
    expect(returned, None, "undo returns nothing")


examine((6, 3), eps=0.5)
many(
    "more layers: images, frozen, a large eps, float64, large means, equal values, not contiguous",
    lambda: examine((4, 2, 3, 5), kind="not contiguous"),
    lambda: examine((3, 2), frozen=("weight", "bias")),
    lambda: examine((2, 2, 2, 2), frozen=("bias",), kind="equal values in channel 0"),
    lambda: examine((2, 1, 2, 2), eps=2.0, dtype=torch.float64),
    lambda: examine((60, 3), kind="means of 2000"),
)
### BEGIN HIDDEN TESTS
many(
    "more layers",
    lambda: examine((5, 4), eps=0.1, dtype=torch.float64, frozen=("weight",)),
    lambda: examine((3, 3, 2, 4), eps=1.0, frozen=("weight", "bias"), kind="not contiguous"),
    lambda: examine((8, 2), kind="equal values in channel 0"),
    lambda: examine((7, 2, 3, 3), kind="means of 2000"),
)
### END HIDDEN TESTS

# %% [markdown]
# So batch normalisation takes nothing away from what the net can express: with $\gamma = \sqrt{\sigma^2 + \varepsilon}$ and
# $\beta = \mu$ it is the identity, for the batch with that $\mu$ and $\sigma$. It only changes how easily gradient descent
# finds good weights.
#
# ## Running averages for later use
#
# A trained net may read one digit at a time. Then there is no batch; and the answer must not depend on other samples anyway. So,
# while it trains, the layer keeps **running averages** of mean and variance, its *running estimates*, and in evaluation mode it
# uses those. After each batch,
#
# $$\text{running} \leftarrow (1 - m)\, \text{running} + m \cdot \text{batch},$$
#
# with the `momentum` $m = 0.1$. (The momentum of an optimizer is usually 0.9: it weights the *old* value, this one the new.) The
# estimates start at mean 0 and variance 1. One detail: the batch variance in this formula is divided by $n - 1$ instead of $n$,
# where $n$ is the number of values per channel, because that estimates the variance of *all* data without bias. The estimates are
# **buffers**, not parameters: saved in the `state_dict`, moved with the module, never touched by an optimizer.
#
# **Before you run it:** a feature has mean 10 in every batch. What is its running mean after 1 batch, after 2, after 10 and after
# 50?

# %% predict
norm = nn.BatchNorm1d(1)
batch = torch.tensor([[8.0], [12.0]])
for step in range(1, 51):
    norm(batch)
    if step in (1, 2, 10, 50):
        print(
            f"after {step:2} batches: running mean {norm.running_mean.item():5.2f}, running variance {norm.running_var.item():.2f}"
        )
print("buffers:   ", [name for name, _ in norm.named_buffers()])
print("parameters:", [name for name, _ in norm.named_parameters()])

# %% [markdown]
# <details><summary>Why?</summary>
#
# After $t$ batches it is $10\,(1 - 0.9^t)$: 1, 1.9, 6.5 and 9.95. The variance goes from 1 towards 8, not 4: the squares are
# $4 + 4$, divided by $n - 1 = 1$. The estimates need some twenty batches before they are any good; in evaluation mode a net that
# has hardly been trained can be much worse than in training mode. The third buffer counts batches; it matters only with
# `momentum=None`, where the running estimates become plain averages over all batches.
#
# </details>


# %% folded label="Draw batch means and the running mean"
g = torch.Generator().manual_seed(3)
means, running, norm = [], [], nn.BatchNorm1d(1)
for _ in range(60):
    batch = 5 + 4 * torch.randn(8, 1, generator=g)
    norm(batch)
    means.append(batch.mean().item())
    running.append(norm.running_mean.item())
figure, ax = plot_axes(6.2, 3.0)
ax.plot(means, "o", color=COLOURS["input"], ms=5)
ax.plot(running, color=COLOURS["learned"], lw=2.5)
ax.axhline(5, color=INK, lw=1, ls=":")
ax.text(59, 11, "dots: mean of each batch", ha="right", fontsize=11, color=COLOURS["input"])
ax.text(59, 10, "line: running mean", ha="right", fontsize=11, color=COLOURS["learned"])
ax.text(59, 9, "dotted: mean of all data", ha="right", fontsize=11, color=INK)
ax.set(xlabel="batch", ylabel="mean", ylim=(0, 12))
show(
    figure,
    alt="Means of 60 batches of 8 samples as dots, scattered between about 2 and 8 around the mean of all data, 5. The running mean starts "
    "near 0, rises to 4.5 within about 25 batches and then stays between 4.5 and 5.",
)

# %% [markdown]
# ### Exercise: Batch norm as a module
#
# Write the class `BatchNorm(channels, eps=1e-5, momentum=0.1)`, without `F.batch_norm`, `F.instance_norm`, `F.group_norm`,
# `F.layer_norm`, `F.rms_norm` or the same under other names (`nn.BatchNorm1d`, `torch.batch_norm`, …).
#
# - It has two parameters, `weight` ($\gamma$, ones) and `bias` ($\beta$, zeros), and two buffers in the `state_dict`,
#   `running_mean` (zeros) and `running_var` (ones), all of shape `(channels,)` and float32. The `state_dict` holds nothing else.
# - In training mode, `forward(x)` normalises with the statistics of the batch. What the exercise *Normalise a batch* asks for if a
#   channel's mean is large, or its values are equal, holds here, too. It also updates the buffers by the formula above, the
#   variance with $n - 1$. No gradient is recorded for the buffers. They are updated even if the module is called under
#   `torch.no_grad()`.
# - In evaluation mode it normalises with the buffers and changes nothing. Any batch size works then, even 1.
# - `x` has shape $N \times C$ or $N \times C \times \dots$ with one or two more dimensions; in training mode there are at least two
#   values per channel. `x` stays as it is; gradients flow to `x`, `weight` and `bias`, in training also through mean and variance.
# - It also works in float64, after `.double()`. A `copy.deepcopy` of it works, too.
#
# <details><summary>Hint 1: <code>__init__</code></summary>
#
# `super().__init__()` first. `nn.Parameter` for what is learned, `self.register_buffer(name, tensor)` for what is only remembered.
#
# </details>
#
# <details><summary>Hint 2: <code>forward</code></summary>
#
# Only mean and variance depend on the mode; what is done with them is the same. `self.training` tells you the mode.
#
# </details>
#
# <details><summary>Hint 3: update without a gradient</summary>
#
# Inside `with torch.no_grad():` write `self.running_mean.lerp_(mean, self.momentum)` (linear interpolation, in place), or the
# formula with `mul_` and `add_`. The batch's variance with $n - 1$ is the one with $n$ times $n / (n - 1)$.
#
# </details>


# %% exercise="batch_norm" difficulty=3 minutes=16
class BatchNorm(nn.Module):
    """Batch normalisation per channel, with running estimates for evaluation mode."""

    def __init__(self, channels: int, eps: float = 1e-5, momentum: float = 0.1):
        ### BEGIN SOLUTION
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (N, C) or (N, C, …). Returns: like x."""
        ### BEGIN SOLUTION
        if self.training:
            others = [d for d in range(x.dim()) if d != 1]
            variance, mean = torch.var_mean(x, dim=others, correction=0)
            with torch.no_grad():
                n = x.numel() / x.shape[1]
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(variance * n / (n - 1), self.momentum)
        else:
            mean, variance = self.running_mean, self.running_var
        shape = [-1 if d == 1 else 1 for d in range(x.dim())]
        normalised = (x - mean.view(shape)) / (variance + self.eps).sqrt().view(shape)
        return normalised * self.weight.view(shape) + self.bias.view(shape)
        ### END SOLUTION


# %% check="batch_norm" points=3
import contextlib
import copy
import io

g = torch.Generator().manual_seed(157)
kinds = "batch_norm", "instance_norm", "group_norm", "layer_norm", "rms_norm"
norm = BatchNorm(3)
require(isinstance(norm, nn.Module), "BatchNorm(3) is an nn.Module", "It must inherit from nn.Module.")
expect(
    {name: parameter.detach().clone() for name, parameter in norm.named_parameters()},
    {"weight": torch.ones(3), "bias": torch.zeros(3)},
    "the parameters of BatchNorm(3) at the start",
    mistakes={
        "The running estimates are parameters: they must be buffers, which no optimizer touches.": {
            "weight": torch.ones(3),
            "bias": torch.zeros(3),
            "running_mean": torch.zeros(3),
            "running_var": torch.ones(3),
        },
    },
)
require(all(parameter.requires_grad for parameter in norm.parameters()), "both are trainable", "One is frozen.")
expect(
    {name: value.clone() for name, value in norm.state_dict().items() if "running" in name},
    {"running_mean": torch.zeros(3), "running_var": torch.ones(3)},
    "the running estimates in its state_dict at the start",
    mistakes={
        "There are none: a plain tensor in self is not registered. Use register_buffer.": {},
        "The running variance starts at 1.": {"running_mean": torch.zeros(3), "running_var": torch.zeros(3)},
    },
)
expect(sorted(norm.state_dict()), ["bias", "running_mean", "running_var", "weight"], "the names in its state_dict")


def arrived(gradients, what):
    missing = [name for name, gradient in gradients.items() if gradient is None]
    told = f"None reaches {', '.join(missing)}: is something detached, or not used?"
    require(missing == [], f"{what}: gradients reach x, weight and bias", told)


def compare(mine, theirs, what, dtype, known=None):
    tolerance = {"rtol": 1e-9, "atol": 1e-9} if dtype == torch.float64 else {"rtol": 1e-3, "atol": 1e-4}
    expect(mine, theirs, what, mistakes=known, **tolerance)


def many(title, *cases):
    """Run cases; one line for all of them."""
    with contextlib.redirect_stdout(io.StringIO()):
        for case in cases:
            case()
    require(True, title, "")


def examine(channels, shapes, dtype=torch.float32, settings=(), copied=False):
    """Some training steps beside PyTorch's own, then evaluation mode, then training again."""
    text = ", ".join(str(value) for value in (channels, *settings))
    title = f"BatchNorm({text})" + " in float64" * (dtype == torch.float64) + ", a copy.deepcopy" * copied
    mine, twin = BatchNorm(channels, *settings).to(dtype), nn.BatchNorm1d(channels, *settings).to(dtype)
    eps, momentum = twin.eps, twin.momentum
    values = {
        "weight": 1 + torch.rand(channels, generator=g),
        "bias": torch.randn(channels, generator=g),
        "running_mean": torch.randn(channels, generator=g),
        "running_var": 1 + torch.rand(channels, generator=g),
    }
    mine.load_state_dict(values)
    twin.load_state_dict(values | {"num_batches_tracked": torch.tensor(0)})
    mine = copy.deepcopy(mine) if copied else mine

    def reference(x):
        return twin(x.flatten(2) if x.dim() > 3 else x).view(x.shape)

    def normalised(x, mean, var, eps=eps):
        """What other means and variances lead to."""
        rows = (x.movedim(1, -1) - mean) / (var + eps).sqrt() * values["weight"] + values["bias"]
        return rows.movedim(-1, 1)

    for number, shape in enumerate(shapes, start=1):
        batch = 3 * torch.randn(shape, generator=g, dtype=dtype) + 2
        batch = batch.transpose(0, -1).contiguous().transpose(0, -1) if number % 2 == 0 else batch
        upstream = torch.randn(shape, generator=g, dtype=dtype)
        old_mean, old_var = twin.running_mean.clone(), twin.running_var.clone()
        one, two = batch.clone().requires_grad_(), batch.clone().requires_grad_()
        given = one * 1
        with forbidden(*kinds):
            y = mine(inplace(given))
        wanted = reference(two)
        what = f"{title}, training batch {number}, shape {shape}"
        if not torch.equal(given.detach(), batch):
            require(False, f"{what}: x stays as it is", "It has changed.")
        others, view = [d for d in range(len(shape)) if d != 1], [-1 if d == 1 else 1 for d in range(len(shape))]
        mean, var = batch.mean(others), batch.var(others)
        biased = batch.var(others, correction=0)

        known = {
            "The variance in the output is divided by n − 1: by n was asked for.": normalised(batch, mean, var),
            "In training mode it uses the running estimates: use the batch's mean and variance.": (
                normalised(batch, old_mean, old_var)
            ),
            "In training mode it uses the new running estimates: use the batch's mean and variance.": (
                normalised(batch, twin.running_mean, twin.running_var)
            ),
            "The argument eps is not used: add it to the variance.": normalised(batch, mean, biased, eps=0.0),
        }
        compare(y.detach(), wanted.detach(), f"{what}: the output", dtype, known)
        require(y.requires_grad, f"{what}: autograd follows", "The path for gradients is cut.")
        buffers = [mine.running_mean, mine.running_var]
        require(
            not any(buffer.requires_grad for buffer in buffers),
            f"{what}: no gradient is recorded for the buffers",
            "One requires a gradient: update it inside torch.no_grad().",
        )
        known = {
            "It has not changed: update it in training mode.": old_mean,
            "This is the batch's own mean: it only enters with the weight momentum.": mean,
        }
        if momentum == 0.3:
            known |= {
                "The momentum is used the wrong way round: it weights the new value.": 0.3 * old_mean + 0.7 * mean,
                "The argument momentum is not used: it is 0.3 here, not 0.1.": 0.9 * old_mean + 0.1 * mean,
            }
        compare(buffers[0].clone(), twin.running_mean, f"{what}: the running mean", dtype, known)
        n = batch.numel() / channels
        known = {
            "The batch's variance is divided by n: n − 1 was asked for.": (1 - momentum) * old_var + momentum * biased,
            "n − 1 was divided by twice: var divides by n − 1 already.": (1 - momentum) * old_var
            + momentum * var * n / (n - 1),
            "This is an average of standard deviations: average the variances.": (1 - momentum) * old_var
            + momentum * var.sqrt(),
        }
        if len(shape) > 2 and len(batch) > 1:
            known["n counts the samples only: it is the number of values per channel, over all positions."] = (
                1 - momentum
            ) * old_var + momentum * biased * len(batch) / (len(batch) - 1)
        compare(buffers[1].clone(), twin.running_var, f"{what}: the running variance", dtype, known)
        mine.zero_grad()
        twin.zero_grad()
        (y * upstream).sum().backward()
        (wanted * upstream).sum().backward()
        arrived({"x": one.grad} | {name: p.grad for name, p in mine.named_parameters()}, what)
        known = {
            "Mean and variance were detached: the gradient flows through them, too.": (
                upstream * (values["weight"] / (biased + eps).sqrt()).view(view)
            )
        }
        compare(one.grad, two.grad, f"{what}: the gradient of x", dtype, known)
        found = {name: parameter.grad for name, parameter in mine.named_parameters()}
        compare(
            found, {"weight": twin.weight.grad, "bias": twin.bias.grad}, f"{what}: the parameters' gradients", dtype
        )
    state = {name: value.clone() for name, value in mine.state_dict().items()}
    mine.eval()
    twin.eval()
    for n in (4, 1):
        x = 3 * torch.randn(n, *shapes[0][1:], generator=g, dtype=dtype) + 2
        leaf, other = x.clone().requires_grad_(), x.clone().requires_grad_()
        with forbidden(*kinds):
            y = mine(leaf)
        wanted = reference(other)
        known = {
            "In evaluation mode weight and bias are missing.": F.batch_norm(
                x, twin.running_mean, twin.running_var, eps=eps
            )
        }
        if n == 4:
            known["In evaluation mode it uses the statistics of the batch: use the running estimates."] = F.batch_norm(
                x, None, None, twin.weight, twin.bias, True, 0.0, eps
            ).detach()
        compare(y.detach(), wanted.detach(), f"{title} in evaluation mode, N = {n}", dtype, known)
        mine.zero_grad()
        twin.zero_grad()
        require(y.requires_grad, "autograd follows in evaluation mode", "The path for gradients is cut.")
        (y * x).sum().backward()
        (wanted * x).sum().backward()
        found = {"x": leaf.grad} | {name: parameter.grad for name, parameter in mine.named_parameters()}
        arrived(found, f"{title} in evaluation mode, N = {n}")
        theirs = {"x": other.grad, "weight": twin.weight.grad, "bias": twin.bias.grad}
        compare(found, theirs, f"the gradients in evaluation mode, N = {n}", dtype)
    expect(
        {name: value.clone() for name, value in mine.state_dict().items()},
        state,
        f"parameters and buffers of {title} after evaluation mode",
    )
    mine.train()
    twin.train()
    x = torch.randn(shapes[0], generator=g, dtype=dtype)
    with torch.no_grad():
        with forbidden(*kinds):
            y = mine(x)
        wanted = reference(x)
    compare(y, wanted, f"{title} in training mode again, under no_grad", dtype)
    found = {name: value.clone() for name, value in mine.state_dict().items()}
    theirs = {name: twin.state_dict()[name] for name in found}
    compare(found, theirs, "parameters and buffers afterwards", dtype)


def extreme(shape):
    """Means of 1000 and −1000 in channels 0 and 1, equal values in channel 2, and a momentum of 0."""
    where = f"BatchNorm(3, momentum=0.0), x of shape {shape}"
    view = [-1 if d == 1 else 1 for d in range(len(shape))]
    x = torch.randn(shape, generator=g) * torch.tensor([1.0, 2.0, 0.0]).view(view)
    x += torch.tensor([1000.0, -1000.0, 0.0]).view(view)
    one, two = x.clone().requires_grad_(), x.double().requires_grad_()
    upstream = torch.randn(shape, generator=g)
    norm = BatchNorm(3, momentum=0.0)
    with forbidden(*kinds):
        y = norm(one)
    wanted = F.batch_norm(two, None, None, training=True)
    loose = {"rtol": 2e-3, "atol": 2e-3}
    expect(y.detach(), wanted.detach().float(), f"{where}, means of 1000 and −1000 in channels 0 and 1", **loose)
    state = {"running_mean": norm.running_mean.clone(), "running_var": norm.running_var.clone()}
    start = {"running_mean": torch.zeros(3), "running_var": torch.ones(3)}
    expect(state, start, f"{where}: with a momentum of 0 the running estimates stay")
    (y * upstream).sum().backward()
    (wanted * upstream).sum().backward()
    expect(one.grad, two.grad.float(), f"{where}: the gradient, with equal values in channel 2", **loose)


many(
    "BatchNorm(3, 0.1, 0.3): two batches in training mode, then evaluation mode, then training mode again",
    lambda: examine(3, [(5, 3), (4, 3)], settings=(0.1, 0.3)),
)
many(
    "more shapes, float64, a copy.deepcopy; in training, in evaluation mode and in training again",
    lambda: examine(2, [(3, 2, 4), (2, 2, 5), (2, 2)], torch.float64),
    lambda: examine(4, [(2, 4, 3, 2), (1, 4, 2, 3)], copied=True),
    lambda: extreme((50, 3)),
)
### BEGIN HIDDEN TESTS
many(
    "more shapes and settings",
    lambda: examine(1, [(2, 1), (7, 1)], settings=(1e-3, 0.9)),
    lambda: examine(5, [(3, 5, 2, 4), (1, 5, 3, 2)], torch.float64, settings=(0.02,)),
    lambda: extreme((9, 3, 4)),
)
### END HIDDEN TESTS

# %% [markdown]
# ## A forgotten eval, measured
#
# What does it cost to forget `eval()`? We train the net from the beginning of this notebook for 25 epochs, with batch normalisation
# after its first two layers. Then it reads the 359 new digits in three ways: in evaluation mode; in training mode, shuffled, 20 at
# a time; and in training mode, 20 at a time, but *sorted*: first all zeros, then all ones, and so on.
#
# **Before you run it:** in evaluation mode it gets about 91% right. What share does it get right in the other two cases?

# %% predict varies
torch.manual_seed(0)
normed = nn.Sequential(
    *[nn.Linear(784, 784), nn.BatchNorm1d(784), nn.ReLU()],
    *[nn.Linear(784, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Linear(256, 10)],
)
train(normed, torch.optim.Adam(normed.parameters(), lr=1e-3))
trained = {name: value.clone() for name, value in normed.state_dict().items()}

orders = {"shuffled": torch.randperm(len(test_y)), "sorted": test_y.argsort(stable=True)}
print(f"evaluation mode          {share_right(normed, test_x, test_y):.0%}")
for name, order in orders.items():
    normed.train()
    share = sum(share_right(normed, test_x[i], test_y[i]) * len(i) for i in order.split(20)) / len(order)
    print(f"training mode, {name:8}  {share:.0%}")
    normed.load_state_dict(trained)  # the passes above have changed the running estimates

# %% [markdown]
# <details><summary>Why?</summary>
#
# In a mixed batch the statistics are roughly right, and the accuracy hardly suffers: that is why nobody notices the mistake. But
# take a batch in which every digit is a 0. What they have in common goes into the mean, and the mean is subtracted: what is left is
# how each 0 differs from the others. Moreover, each pass moved the running estimates, so the harm outlasts the test. That is why
# the cell loads the `state_dict` again.
#
# </details>
#
# ## Fuse it into the layer before
#
# In evaluation mode $\mu$ and $\sigma^2$ are fixed numbers, so the batch normalisation is only a scaling and a shift of each
# channel. After a linear layer $z = W x + b$,
#
# $$y = \gamma\, \frac{W x + b - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta = W' x + b' .$$
#
# So one layer with other weights does the work of both. Nets are fused like this before they are put to use: fewer operations, same
# output.
#
# ### Exercise: Fuse two layers
#
# Write `fuse(layer, norm)`. It returns a **new** layer of the same kind as `layer`, such that `fuse(layer, norm)(x)` equals what
# `norm(layer(x))` gives in evaluation mode, up to rounding.
#
# - `layer` is an `nn.Linear` or an `nn.Conv2d`, with or without a bias; a convolution may have any kernel size, stride, padding and
#   dilation (numbers or pairs) and groups, and pads with zeros. `norm` is the `nn.BatchNorm1d` or `nn.BatchNorm2d` that follows,
#   with its own `eps`, with running estimates, weight and bias. Both have the same dtype, float32 or float64, and so does the new
#   layer.
# - The new layer is an `nn.Linear` or `nn.Conv2d`, and it has a weight and a bias, both trainable. It shares no memory with `layer`
#   and `norm`.
# - Either may be in training mode when `fuse` is called: use the running estimates all the same. Both stay as they are: parameters,
#   buffers, `requires_grad` and modes.
#
# <details><summary>Hint 1: the factor</summary>
#
# Multiply out the formula above. Output $d$ is multiplied by $s_d = \gamma_d / \sqrt{\sigma_d^2 + \varepsilon}$. So row $d$ of $W$
# is multiplied by $s_d$: for a convolution that is the whole kernel `weight[d]`.
#
# </details>
#
# <details><summary>Hint 2: the new bias</summary>
#
# $b' = (b - \mu)\, s + \beta$. A layer without a bias has $b = 0$.
#
# </details>
#
# <details><summary>Hint 3: the new layer</summary>
#
# `copy.deepcopy(layer)` (after `import copy`) keeps all settings. Then set its `weight` and `bias` to new `nn.Parameter`s; the
# values should come without a gradient history: compute them inside `torch.no_grad()`.
#
# </details>


# %% exercise="fuse" difficulty=3 minutes=14
def fuse(layer: nn.Module, norm: nn.Module) -> nn.Module:
    """One layer that does what layer and then norm do in evaluation mode.

    layer: nn.Linear or nn.Conv2d. norm: nn.BatchNorm1d or nn.BatchNorm2d. Returns: a new layer of the kind of layer.
    """
    ### BEGIN SOLUTION
    import copy

    fused = copy.deepcopy(layer)
    with torch.no_grad():
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        bias = 0.0 if layer.bias is None else layer.bias
        fused.weight = nn.Parameter(layer.weight * scale.view(-1, *[1] * (layer.weight.dim() - 1)))
        fused.bias = nn.Parameter((bias - norm.running_mean) * scale + norm.bias)
    return fused
    ### END SOLUTION


# %% check="fuse" points=3
import contextlib
import copy
import io

g = torch.Generator().manual_seed(158)


def fill(*modules):
    with torch.no_grad():
        for module in modules:
            for name, value in [*module.named_parameters(), *module.named_buffers()]:
                if value.is_floating_point():
                    value.copy_(torch.randn(value.shape, generator=g) + 0.3)
                    value.abs_().add_(0.2) if "var" in name else None


def state(**modules):
    """All that belongs to modules, by name."""
    found = {}
    for title, module in modules.items():
        for name, value in [*module.named_parameters(), *module.named_buffers()]:
            found[f"{title}.{name}"] = value.detach().clone()
            found[f"{title}.{name}.requires_grad"] = value.requires_grad
        found[f"{title}.training"] = module.training
    return found


def many(title, *cases):
    """Run cases; one line for all of them."""
    with contextlib.redirect_stdout(io.StringIO()):
        for case in cases:
            case()
    require(True, title, "")


def examine(layer, size, eps=1e-5, training=(), dtype=torch.float32, frozen=()):
    linear = isinstance(layer, nn.Linear)
    channels = layer.out_features if linear else layer.out_channels
    norm = (nn.BatchNorm1d if linear else nn.BatchNorm2d)(channels, eps=eps)
    layer, norm = layer.to(dtype), norm.to(dtype)
    fill(layer, norm)
    for name, module in (("layer", layer), ("norm", norm)):
        module.train(name in training).requires_grad_(name not in frozen)
    title = f"fuse({layer}, {norm.__class__.__name__}({channels}, eps={eps}))"
    title += " in float64" * (dtype == torch.float64)
    title += f", {' and '.join(training)} in training mode" * bool(training)
    title += f", {' and '.join(frozen)} frozen" * bool(frozen)
    old = state(layer=layer, norm=norm)
    fused = fuse(inplace(layer), inplace(norm))
    kind = nn.Linear if linear else nn.Conv2d
    require(isinstance(fused, kind), f"{title} is an nn.{kind.__name__}", "It is something else.")
    names = {name: f"{tuple(value.shape)}, {value.dtype}" for name, value in fused.named_parameters()}
    wanted = {"weight": f"{tuple(layer.weight.shape)}, {dtype}", "bias": f"({channels},), {dtype}"}
    expect(
        names,
        wanted,
        f"the parameters of {title}",
        mistakes={"The new layer needs a bias, even if layer has none.": {"weight": wanted["weight"]}},
    )
    found = state(layer=layer, norm=norm)
    new = {f"layer.{name}": value.detach().clone() for name, value in fused.named_parameters()}
    advice = "You wrote into layer itself: make a new layer, for example with copy.deepcopy."
    expect(found, old, "layer and norm stay as they are", mistakes={advice: found | new})
    trainable = all(parameter.requires_grad and parameter.is_leaf for parameter in fused.parameters())
    require(trainable, "its parameters are trainable leaves", "Make each a new nn.Parameter, with requires_grad=True.")
    x = torch.randn(4, *size, generator=g, dtype=dtype)
    with torch.no_grad():
        one, two = copy.deepcopy(layer).eval(), copy.deepcopy(norm).eval()
        z = one(x)
        answer = two(z)
        view = [-1 if d == 1 else 1 for d in range(z.dim())]
        bias = torch.zeros(channels, dtype=dtype) if one.bias is None else one.bias
        mean, var, gamma, beta = two.running_mean, two.running_var, two.weight, two.bias
        factor = gamma / (var + eps).sqrt()

        def result(factor, shift):
            """What comes out if the weight is multiplied by factor and the bias is shift."""
            return (z - bias.view(view)) * factor.view(view) + shift.view(view)

        known = {
            "The weight is fused, but the bias is not.": result(factor, bias),
            "layer's own bias is missing.": result(factor, beta - mean * factor),
            "norm's bias (β) is missing.": result(factor, (bias - mean) * factor),
            "The running mean is missing.": result(factor, bias * factor + beta),
            "layer's own bias was not scaled.": result(factor, bias - mean * factor + beta),
            "The bias was not scaled: multiply b − μ by s, too.": result(factor, bias - mean + beta),
            "norm.eps is not used: add it to the running variance.": result(
                gamma / var.sqrt(), (bias - mean) * gamma / var.sqrt() + beta
            ),
            "The factor is divided by the variance: take its square root.": result(
                gamma / (var + eps), (bias - mean) * gamma / (var + eps) + beta
            ),
            "norm's weight (γ) is missing.": result(factor / gamma, (bias - mean) * factor / gamma + beta),
            "norm's weight and bias (γ and β) are missing.": result(factor / gamma, (bias - mean) * factor / gamma),
        }
    what = f"{title} for x of shape {tuple(x.shape)}"
    tight = {"rtol": 1e-9, "atol": 1e-9} if dtype == torch.float64 else {"rtol": 1e-3, "atol": 1e-3}
    with torch.no_grad():
        y = fused(x)
    expect(y, answer, what, mistakes=known, **tight)
    with torch.no_grad():
        for parameter in fused.parameters():
            parameter.zero_()
        y = fused(x)
    if y.any():
        advice = "It is not 0: the output must come from the new layer's own weight and bias."
        require(False, "with weight and bias 0, the output of the new layer is 0", advice)
    expect(state(layer=layer, norm=norm), old, "changing the new layer does not change layer and norm")


examine(nn.Linear(3, 4), (3,), eps=0.5)
many(
    "more layers: without a bias, in training mode, convolutions, groups, dilation, float64, frozen",
    lambda: examine(nn.Linear(5, 3, bias=False), (5,), training=("layer", "norm")),
    lambda: examine(nn.Conv2d(4, 6, 3, groups=2), (4, 5, 6), training=("layer",)),
    lambda: examine(nn.Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(1, 0)), (2, 7, 6), eps=0.1),
    lambda: examine(
        nn.Conv2d(4, 6, 3, padding=2, dilation=(1, 2), groups=2, bias=False),
        (4, 5, 6),
        dtype=torch.float64,
        frozen=("layer",),
    ),
    lambda: examine(nn.Linear(2, 2), (2,), dtype=torch.float64, training=("norm",), frozen=("layer", "norm")),
)
### BEGIN HIDDEN TESTS
many(
    "more layers",
    lambda: examine(nn.Conv2d(3, 3, 2, groups=3), (3, 4, 5), training=("norm",), eps=0.2),
    lambda: examine(nn.Linear(1, 6, bias=False), (1,), frozen=("norm",), eps=1.0),
    lambda: examine(nn.Conv2d(2, 5, 1, stride=2), (2, 6, 3), dtype=torch.float64, frozen=("layer", "norm")),
    lambda: examine(nn.Conv2d(2, 3, 2, dilation=(2, 1), padding=1), (2, 6, 5), training=("layer",)),
)
### END HIDDEN TESTS

# %% [markdown]
# ### Your fused net
#
# The trained net has two batch normalisation layers. Your `fuse` removes both.


# %% yours varies
def our_fuse(layer, norm):
    fused = nn.Linear(layer.in_features, layer.out_features)
    factor = norm.weight / (norm.running_var + norm.eps).sqrt()
    fused.weight.data = (layer.weight * factor[:, None]).detach()
    fused.bias.data = ((layer.bias - norm.running_mean) * factor + norm.bias).detach()
    return fused


fuse_layers = yours_or_ours(fuse, our_fuse, nn.Linear(3, 2), nn.BatchNorm1d(2))
normed.eval()
fused = nn.Sequential(
    fuse_layers(normed[0], normed[1]), nn.ReLU(), fuse_layers(normed[3], normed[4]), nn.ReLU(), normed[6]
).eval()
with torch.no_grad():
    difference = (fused(test_x) - normed(test_x)).abs().max()
    size = normed(test_x).abs().max()
print(f"{len(normed)} modules before, {len(fused)} after")
print(f"largest difference of the outputs: {difference:.0e}; the largest output is {size:.0f}")
print(f"right: {share_right(normed, test_x, test_y):.1%} before, {share_right(fused, test_x, test_y):.1%} after")

# %% [markdown]
# ## Three nets side by side
#
# Now all of it at once, on the 300 digits, 25 epochs of Adam each: the plain net from the beginning; the same net with *your*
# dropout, $p = 0.3$, after its first ReLU; and the same net with *your* batch normalisation before each ReLU.
#
# **Before you run it:** which of the three has the lowest loss on the *new* digits after three epochs, and which at the end? Which
# has the lowest loss on the *old* ones at the end?

# %% predict yours varies
some_dropout = yours_or_ours(dropout, our_dropout, torch.ones(3), 0.3, True, random=True)
SomeNorm = yours_or_ours(BatchNorm, nn.BatchNorm1d, 3, call=(torch.tensor([[1.0, 2, 4], [3, 5, 4]]),))


class Drop(nn.Module):
    def forward(self, x):
        return some_dropout(x, 0.3, self.training)


def make_dropped():
    return nn.Sequential(nn.Linear(784, 784), nn.ReLU(), Drop(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))


def make_normed():
    first = nn.Linear(784, 784), SomeNorm(784), nn.ReLU()
    return nn.Sequential(*first, nn.Linear(784, 256), SomeNorm(256), nn.ReLU(), nn.Linear(256, 10))


runs = {"plain": (plain_losses, plain_new)}
for name, make in [("dropout", make_dropped), ("batch norm", make_normed)]:
    torch.manual_seed(0)
    net = make()
    runs[name] = train(net, torch.optim.Adam(net.parameters(), lr=1e-3))
print("losses       new, 3    new, 21 to 25    old, 25   (digits, epochs)")
for name, (old_losses, new_losses) in runs.items():
    print(f"{name:11} {new_losses[2]:7.2f} {sum(new_losses[20:]) / 5:16.2f} {old_losses[24]:10.4f}")

# %% predict yours varies folded label="Draw the losses of the three nets"
figure, axes = plt.subplots(2, 1, figsize=(6.2, 5.6), sharex=True, layout="constrained")
styles = {
    "plain": (COLOURS["plain"], "-"),
    "dropout": (COLOURS["learned"], "--"),
    "batch norm": (COLOURS["input"], "-."),
}
for ax, which, title in zip(axes, (0, 1), ("300 old digits", "359 new digits")):
    for name, curves in runs.items():
        ax.plot(range(1, 26), curves[which], color=styles[name][0], ls=styles[name][1], lw=2.2, label=name)
    ax.set(title=title, ylabel="loss", yscale="log")
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25)
axes[1].set(xlabel="epoch", ylim=(0.2, 2.5), yticks=[0.25, 0.5, 1, 2], yticklabels=["0.25", "0.5", "1", "2"])
axes[1].minorticks_off()
axes[0].legend(frameon=False)
show(
    figure,
    alt="Two plots of the loss over 25 epochs on a logarithmic scale, above on the old digits, below on the new ones, each with three curves: plain, dropout "
    "and batch norm. On the new digits plain rises slowly at the end, dropout goes up and down around it, and batch norm is lowest.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# After three epochs the net with batch normalisation looks worst. But it is measured in evaluation mode, and after 18 batches its
# running estimates have not yet caught up. A few epochs later it is far ahead, on the old digits and on the new ones.
#
# Dropout ends with a loss on new digits that is a little lower than the plain net's. Do not expect wonders: with other seeds the
# gain here is between nothing and 0.05. All three are nearly perfect on the old digits, so that number says nothing about new ones.
# One run each on a few hundred digits proves little; that batch normalisation speeds up the training is what you will see
# everywhere. Large convolutional nets rely mostly on normalisation today, while dropout is common in fully connected layers and in
# transformers.
#
# </details>
#
# ### Activations with and without
#
# The picture shows the 256 numbers per digit that go into the second ReLU, for all new digits: before training (dark outline) and
# after (filled). Top: without batch normalisation. Bottom: with it.

# %% varies folded label="Draw what goes into the second ReLU"
torch.manual_seed(0)
fresh = {"plain": nn.Sequential(nn.Linear(784, 784), nn.ReLU(), nn.Linear(784, 256))}
fresh["batch norm"] = nn.Sequential(
    nn.Linear(784, 784), nn.BatchNorm1d(784), nn.ReLU(), nn.Linear(784, 256), nn.BatchNorm1d(256)
)
after = {"plain": plain[:3], "batch norm": normed[:5]}
figure, axes = plt.subplots(2, 1, figsize=(6.2, 4.8), sharex=True, layout="constrained")
bins = torch.linspace(-8, 8, 161).tolist()
for ax, name in zip(axes, fresh):
    with torch.no_grad():
        start, end = fresh[name].train()(test_x), after[name].eval()(test_x)
    ax.hist(end.flatten().numpy(), bins, density=True, color=COLOURS["output"], alpha=0.6)
    ax.hist(start.flatten().numpy(), bins, density=True, histtype="step", color=INK, lw=1.4)
    ax.set_title(f"{name}: standard deviation {start.std():.2f} before, {end.std():.2f} after", fontsize=11)
    ax.set(xlim=(-8, 8), ylim=(0, 1.2), ylabel="density")
    ax.spines[["top", "right"]].set_visible(False)
axes[1].set_xlabel("input of the second ReLU")
show(
    figure,
    alt="Two histograms. Plain: before training the values are in a narrow peak around 0, afterwards they are spread much more widely. "
    "Batch norm: before and after training they have nearly the same spread, about 1.",
)

# %% [markdown]
# Without batch normalisation the inputs of the second ReLU start out tiny, and their spread grows about thirtyfold while everything
# after it has to adapt. With it, the spread is near 1 both before and after training.
#
# ## The surface, measured
#
# Does batch normalisation make the loss surface easier to descend, as standardising did for two weights? With 800,000 weights we
# can only look at a section. We start both nets from the *same* weights and look at the loss of 200 digits, in training mode, in a
# plane through the start: to the right along the direction of steepest descent, upwards along a random direction. (In the random
# direction each row of weights is moved in proportion to its own length, so that no layer is favoured.) In both pictures one unit
# on an axis is the same distance in the space of parameters; the weights of the linear layers together have a length of about 19.


# %%
def section(net, ups, rights):
    """The loss of 200 digits over a plane: rows along a random direction, columns along the steepest descent."""
    x, y = train_x[:200], train_y[:200]
    start = [parameter.detach().clone() for parameter in net.parameters()]
    gradient = torch.autograd.grad(F.cross_entropy(net(x), y), list(net.parameters()))
    length = sum(part.square().sum() for part in gradient).sqrt()
    noise = [torch.randn_like(w) if w.dim() == 2 else torch.zeros_like(w) for w in start]
    noise = [d * w.norm(dim=-1, keepdim=True) / (d.norm(dim=-1, keepdim=True) + 1e-12) for d, w in zip(noise, start)]
    size = sum(part.square().sum() for part in noise).sqrt()
    losses = torch.zeros(len(ups), len(rights))
    with torch.no_grad():
        for row, up in enumerate(ups.tolist()):
            for column, right in enumerate(rights.tolist()):
                for parameter, w, down, aside in zip(net.parameters(), start, gradient, noise):
                    parameter.copy_(w - right * down / length + up * aside / size)
                losses[row, column] = F.cross_entropy(net(x), y)
        for parameter, w in zip(net.parameters(), start):
            parameter.copy_(w)
    return losses, length.item()


# %% [markdown]
# **Before you run it:** both nets start near 2.3, the loss of guessing. What is the lowest loss in each picture?

# %% predict varies
torch.manual_seed(0)
bare = nn.Sequential(nn.Linear(784, 784), nn.ReLU(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
with_norm = nn.Sequential(bare[0], nn.BatchNorm1d(784), bare[1], bare[2], nn.BatchNorm1d(256), bare[3], bare[4])
ups, rights = torch.linspace(-18, 18, 9), torch.linspace(-1.5, 4.5, 17)
sections = {}
for name, net in [("plain", bare), ("batch norm", with_norm)]:
    torch.manual_seed(1)
    losses, slope = sections[name] = section(net, ups, rights)
    print(f"{name:10}  slope at the start {slope:.2f}, lowest loss in the plane {losses.min():.2f}")

# %% predict varies folded label="Draw both sections of the surface"
figure, axes = plt.subplots(2, 1, figsize=(6.2, 6.2), sharex=True, layout="constrained")
levels = torch.linspace(0.25, 3.75, 15).tolist()
for ax, (name, (losses, _)) in zip(axes, sections.items()):
    shade = ax.contourf(rights, ups, losses, levels=levels, cmap="Blues", extend="both")
    ax.contour(rights, ups, losses, levels=levels[1::2], colors=INK, linewidths=0.7)
    ax.plot(0, 0, "o", color=COLOURS["loss"], ms=7)
    ax.set(title=name, ylabel="random direction")
axes[1].set_xlabel("direction of steepest descent")
figure.colorbar(shade, ax=axes, label="loss", shrink=0.7)
show(
    figure,
    alt="Two contour plots of the loss around the same starting point, marked by a dot. Plain: the loss hardly changes around the dot, falls no lower than 2.1 and rises to 3.2 at the right edge. Batch "
    "norm: it falls steeply to the right of the dot, from 2.4 to below 0.5, into a broad valley, and rises steeply to the left.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Without batch normalisation the start is on a plateau: the net's output hardly depends on the digit, because the digits have most
# pixels in common and the activations shrink from layer to layer. Nowhere in the section does the loss fall much. Batch
# normalisation subtracts what the digits have in common and enlarges the differences, so the slope at the start is many times
# steeper: within the same distance the loss falls to a fifth.
#
# </details>
#
# A steep slope seems to call for small steps. Does it?
#
# **Before you run it:** both nets are trained for 5 epochs with SGD without momentum, at the learning rates 0.1, 0.3, 1 and 3. At
# which of them does each net get more than 80% of the new digits right?

# %% predict varies
for rate in (0.1, 0.3, 1.0, 3.0):
    text = f"learning rate {rate}:"
    for name, norms in [("plain", []), ("batch norm", [784, 256])]:
        torch.manual_seed(0)
        layers = [nn.Linear(784, 784), nn.ReLU(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10)]
        for place, features in zip((1, 4), norms):
            layers.insert(place, nn.BatchNorm1d(features))
        net = nn.Sequential(*layers)
        train(net, torch.optim.SGD(net.parameters(), lr=rate), epochs=5)
        text += f"   {name} {share_right(net, test_x, test_y):4.0%} of the new digits"
    print(text)

# %% [markdown]
# <details><summary>Why?</summary>
#
# The plain net gets furthest at 0.1, where it is still far from done. At the larger rates its steps overshoot, and at 3 it does no
# better than guessing. With batch normalisation all four rates work, although the largest is thirty times the smallest: you no
# longer have to find just the right one. That is the practical gain.
#
# One reason is easy to see: if all weights that lead to a unit double, the batch normalisation after it divides by two again, and
# the output stays the same. A step that is too large makes the weights longer, and that does no harm: doubled weights get half the
# gradient, so the next step turns them only a quarter as far.
#
# Beyond that, why it works is still debated. The inventors' explanation was that without it each layer chases a moving target
# ("internal covariate shift"); later measurements point to the surface, which becomes smoother and easier to descend.
#
# </details>
#
# ## The other axis: layer norm
#
# Batch normalisation needs a batch. If you take mean and variance over the *features of each sample* instead, you get **layer
# normalisation**: the same formula along the other axis. It is one line, `F.layer_norm(x, (D,))` or `nn.LayerNorm(D)`.


# %% folded label="Draw which values share a mean"
figure, axes = plt.subplots(1, 2, figsize=(6.0, 3.0), layout="constrained")
tones = [COLOURS["input"], COLOURS["learned"], COLOURS["output"], COLOURS["plain"]]
hatches = ["", "//", "..", "xx"]
for ax, title, by_column in zip(axes, ["batch norm: one per feature", "layer norm: one per sample"], [True, False]):
    for row in range(4):
        for column in range(3):
            group = column if by_column else row
            pale = [1 - 0.3 * (1 - part) for part in matplotlib.colors.to_rgb(tones[group])]
            face = {"facecolor": pale, "edgecolor": tones[group], "hatch": hatches[group]}
            ax.add_artist(plt.Rectangle((column + 0.05, 3.05 - row), 0.9, 0.9, **face))
    ax.set(
        xlim=(-0.1, 3.1), ylim=(-0.1, 4.1), aspect="equal", xticks=[], yticks=[], xlabel="features", ylabel="samples"
    )
    ax.set_title(title, fontsize=11, color=INK)
    ax.spines[:].set_visible(False)
show(
    figure,
    alt="Two grids of 4 samples by 3 features. Batch norm: the cells of each column have the same colour and pattern. Layer norm: the cells of each row "
    "have the same colour and pattern.",
)

# %% [markdown]
# **Before you run it:** which of these are true of layer normalisation? A batch of one works in training mode; the other samples
# of a batch matter; `train()` and `eval()` differ; it keeps running estimates; it can be fused into the layer before.

# %% predict
x = torch.tensor([[1.0, 200.0, -5.0], [3.0, 220.0, -5.5], [2.0, 240.0, -5.5], [6.0, 300.0, -4.0]])
norm = nn.LayerNorm(3)
for text, values in [("alone", norm(x[:1])), ("in a batch of four", norm(x)), ("in evaluation mode", norm.eval()(x))]:
    print(f"the first sample, {text:18}", [round(value, 4) for value in values[0].tolist()])
print("buffers:", list(norm.buffers()))

# %% [markdown]
# <details><summary>Why?</summary>
#
# Only the first. Each sample is normalised on its own, in both modes, so there are no running estimates. For the same reason it
# cannot be fused: its mean and variance depend on the input even when the net is used. Transformers use it, not least because the
# samples in their batches differ in length.
#
# </details>
#
# ## Recap
#
# Answer from memory, then unfold.
#
# <details><summary>1. A layer outputs (2, −1, 4). What can <code>nn.Dropout(0.5)</code> turn that into in training mode, and what in
# evaluation mode? Why does it divide by 1 − p?</summary>
#
# In training mode each number independently becomes 0 or twice itself: eight possible results, such as (4, 0, 8). In evaluation
# mode it stays (2, −1, 4). The division keeps the expected value of each unit, so the next layer finds the same scale in both
# modes.
#
# </details>
#
# <details><summary>2. <code>nn.BatchNorm2d(16)</code> gets 32×16×10×10 values. How many means does it compute in training mode, each over how
# many values? How many parameters and running estimates does it have, and which of these does an optimizer change?</summary>
#
# 16 means, each over 32 · 10 · 10 = 3200 values. 32 parameters, γ and β, which the optimizer changes; 32 running estimates, which
# the forward pass in training mode changes.
#
# </details>
#
# <details><summary>3. A net with batch normalisation reads mixed batches well but fails on a batch of only sevens. What was forgotten, why
# did nobody notice, and what else has been damaged?</summary>
#
# `net.eval()`. In a mixed batch the batch's statistics resemble the running ones, so the outputs are nearly right. The forward
# passes have also moved the running estimates, so that the net is now worse in evaluation mode, too.
#
# </details>
#
# **Next**: `16_capstone` puts the pieces of all fifteen notebooks together: one classifier, built up from bare tensors to a
# convolutional net with dropout and batch normalisation.
