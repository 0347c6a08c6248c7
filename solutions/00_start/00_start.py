# %% [markdown]
# # Start here
#
# This notebook shows you how the others work.
#
# After this notebook you can
#
# - run a notebook from top to bottom, and start over when something goes wrong;
# - predict a result before you see it;
# - solve an exercise with the help of its check and its hints;
# - say where the course leads: to networks that read digits, which you will build piece by piece.
#
# **Points**: none. **Time**: about 15 minutes. **You need**: a little Python.

# %% setup

# %% [markdown]
# ## Run the cells
#
# A notebook is made of text and *cells* of code. Above this text are the first two: the **set-up**, which imports PyTorch, and the **tools**, which
# draw pictures and check your answers. The tools are folded because you do not have to read them. (To unfold a cell, click its `•••` in JupyterLab, or
# double-click its title on Colab.)
#
# 1. Click the set-up cell and press <kbd>Shift</kbd>+<kbd>Enter</kbd>. The cell runs, and the next one is selected.
# 2. Press <kbd>Shift</kbd>+<kbd>Enter</kbd> again for the tools. Then read on, and run each cell when you come to it.
#
# `[*]` beside a cell means that it is running. When it is done, a number replaces the star: `[1]` ran first, `[2]` second. Cells share their
# variables, so run them in order, from the top. If something gets mixed up, start over: *Kernel → Restart Kernel…* (on Colab, *Runtime → Restart
# session*), then run the cells again. If a piece of text suddenly shows its source, you have double-clicked it: <kbd>Shift</kbd>+<kbd>Enter</kbd>
# puts it right.
#
# The next cell picks one of the 1,797 handwritten digits that come with this notebook.

# %%
images, labels = load_digits()
print(images[12].int())

# %% [markdown]
# To a computer, a picture is a table of numbers. This one has 8 rows and 8 columns. Each number says how dark a pixel is, from 0 (white) to 16 (black).
# Can you see the digit? The next cell draws it, with blue for black. (It is folded, like every cell of drawing code.)

# %% folded label="Draw the digit"
draw_images([images[12]], ["images[12]"], columns=1, cell=2, alt="A handwritten 2, drawn with 8×8 blue pixels.")

# %% [markdown]
# ## Predict first
#
# You remember a result that you have tried to predict much better than one that you have only read. So whenever the text says *Before you run it*,
# answer first, in your head or on paper. A wrong prediction is worth as much as a right one: it shows you what you did not know.
#
# **Before you run it:** the next cell adds up all 64 numbers of each image, which measures how much ink it took. What is the shape of the result: `(8, 8)`, `(64,)` or
# `(1797,)`? And how much less ink do you think a 1 takes than an 8, on average: a twentieth less, a third, or half?

# %% predict
ink = images.sum(dim=(1, 2))  # sums over rows and columns
print("shape:", tuple(ink.shape))
for digit in range(10):
    print(f"ink for a {digit}: {ink[labels == digit].mean().item():.0f}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# `images` has the shape `(1797, 8, 8)`. The sum runs over the two dimensions of size 8, which leaves one number per image: the shape is `(1797,)`.
# An 8 takes 330, a 1 takes 313: only about a twentieth less.
# Every digit was enlarged to the same height, and its strokes with it, so a 1 is a thick bar.
# If you guessed more, you are in good company, and you will remember to ask how your data were made.
#
# </details>
#
# ## Solve an exercise
#
# ### Exercise: Scale the pixels
#
# Networks learn best when their inputs are not much larger than 1. Write `scale(images)`: it returns a new tensor of the same shape and dtype
# (the kind of number, here `float32`) whose pixels go from 0 (white) to 1 (black). White is 0 and black is 16 in every image, even in
# one whose darkest pixel is grey. `images` itself must not change.
#
# Below are a cell for your code and a folded cell, the **check**. Do the following, in this order.
#
# 1. Run both cells as they are. The check says that the exercise is not solved yet.
# 2. Replace the line `raise NotImplementedError` with `return images / 255`; keep the four spaces in front. This is a natural first try, since most pictures
#    use 0 to 255, but these do not. Run both cells again. When something differs, the check prints `✗` with what was called, your value beside the expected
#    one, and often, after `→`, which mistake it was.
# 3. Click the hint below, and correct your answer. A check that passes prints only lines with `✓`.
#
# If your own cell shows an error, such as a `SyntaxError`, fix that first: until it runs, the check looks at your *last* version.
#
# <details><summary>Hint: which number becomes 1?</summary>
#
# Black is 16 here, not 255, and 16 has to become 1. Dividing a tensor by a number divides each element and gives a new tensor.
#
# </details>


# %% exercise="scale" difficulty=1 minutes=3
def scale(images: torch.Tensor) -> torch.Tensor:
    """Pixels from 0 to 1. images: any shape, values from 0 to 16. Returns: the same shape."""
    ### BEGIN SOLUTION
    return images / 16
    ### END SOLUTION


# %% check="scale" points=0
x = torch.tensor([[0.0, 6, 12], [3, 9, 1]])
before = x.clone()
answer = scale(inplace(x))
if not torch.equal(x, before):
    require(
        False,
        "the images are left as they were",
        "You changed images itself: images / 16 makes a new tensor, images /= 16 does not.",
    )
expect(
    answer,
    torch.tensor([[0, 0.375, 0.75], [0.1875, 0.5625, 0.0625]]),
    "scale(images) for pixels 0, 6, 12, 3, 9, 1",
    mistakes={
        "You divided by 255, but black is 16 here.": torch.div(x, 255),
        "You divided by the darkest pixel of the images. Black is 16, whether an image has black pixels or not.": x
        / x.max(),
        "These are the pixels as they were: 16 should become 1.": x,
        "You multiplied: 16 should become 1.": x * 16,
        "White and black are swapped: 0 stays 0.": 1 - x / 16,
        "You divided with //, which cuts off the fraction: / keeps it.": x * 0,
    },
)
black_and_white = torch.tensor([[[16.0, 0], [0, 16]]]).repeat(3, 1, 2)
expect(scale(black_and_white), torch.clamp(black_and_white, max=1), "scale(images) for 3 images in black and white")
### BEGIN HIDDEN TESTS
gray = torch.full((2, 1, 5), 4.0)
expect(scale(gray), torch.full((2, 1, 5), 0.25), "scale(images) for 2 grey images")
### END HIDDEN TESTS

# %% [markdown]
# That is how every exercise works. Run a check as often as you like; nobody is counting. When you hand in a notebook, the grader runs the checks again, with
# more values, but it never asks for anything that the text does not mention. (*Run → Run All Cells* runs the whole notebook; unsolved exercises do not stop it.)
#
# ## Where this leads
#
# Here is what it is all for. The next cell builds a small network, with 2,410 numbers that it can adjust, and shows it 1,400 of the images 200 times, scaled by your
# function. Each time, it adjusts its numbers a little to make its answers better. You do not have to understand the code yet. The course
# takes it apart and has you write the parts yourself: `nn.Linear` is the subject of `04_linear`, the ReLU of `03_functional_and_relu`, and
# `10_modules` trains a network like this one.

# %% yours
prepare = yours_or_ours(scale, lambda images: images * 0.0625, images[:2])
known, unknown = slice(0, 1400), slice(1400, None)

torch.manual_seed(0)
net = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
inputs = prepare(images.clone())
for _ in range(200):
    loss = F.cross_entropy(net(inputs[known]), labels[known])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"trained with {sum(p.numel() for p in net.parameters()):,} numbers")

# %% [markdown]
# **Before you run it:** now it gets the other 397 images, which it has never seen. Guessing gets one in ten right. How many out of 100 does the network
# read correctly? And which digits do you expect it to mix up?

# %% predict
with torch.no_grad():
    answers = net(inputs[unknown]).argmax(dim=1)
right = answers == labels[unknown]
print(f"{right.sum()} of {len(right)} are right: {right.float().mean():.0%}")


# %% predict folded label="Show some digits that it got right and wrong"
def first_of_each(where):
    """The indices of at most six images, no two of the same digit with the same reading."""
    pairs = {}
    for i in where.nonzero()[:, 0].tolist():
        pairs.setdefault((labels[unknown][i].item(), answers[i].item()), i)
    return list(pairs.values())[:6]


good, bad = first_of_each(right), first_of_each(~right)
truth, read = labels[unknown].tolist(), answers.tolist()
draw_images(
    images[unknown][good + bad],
    [f"✓ {read[i]}" for i in good] + [f"✗ read {read[i]}, is {truth[i]}" for i in bad],
    alt=f"Above, digits that the network read correctly: {', '.join(str(read[i]) for i in good)}. Below, digits that "
    f"it got wrong: {'; '.join(f'{truth[i]} read as {read[i]}' for i in bad)}.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# About 90 out of 100 are right. Nobody told the network what a 3 looks like: all it had was examples and a rule for adjusting its numbers.
# Look at the ones it got wrong. Some of them would not be easy for you either.
# But this network sees an image as 64 numbers in a row and does not know which pixels are neighbours.
# In `07_convolution` you will meet layers that do.
#
# </details>
#
# ## What next
#
# - *Validate*, in JupyterLab's toolbar above, reruns the whole notebook from scratch and tells you whether all checks pass. Use it before you hand in a
#   notebook. On Colab, *Runtime → Restart session and run all* does the same.
# - <kbd>Ctrl</kbd>+<kbd>S</kbd> (<kbd>⌘</kbd>+<kbd>S</kbd> on a Mac) saves your work; JupyterLab also saves it every two minutes.
# - Now go on with `01_tensors`; if you know tensors and `backward()` well, with `03_functional_and_relu`. A map of all the notebooks is in the
#   course's README and, if you opened JupyterLab with `make lab`, in `START.md`, one folder above this notebook.
