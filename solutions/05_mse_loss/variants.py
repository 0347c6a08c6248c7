# %% [markdown]
# Other answers to the exercises of `05_mse_loss`: right ones that the checks must accept, wrong ones that they must
# refuse, with a message that leads to the mistake.


# %% right="mse"
def mse(input, target):
    return (input - target).square().mean()


# %% right="mse"
def mse(input, target):
    error = (target - input).flatten()
    return error.dot(error) / error.numel()


# PyTorch's function.
# %% wrong="mse" says="which this exercise asks you to do without"
def mse(input, target):
    return F.mse_loss(input, target)


# PyTorch's module.
# %% wrong="mse" says="which this exercise asks you to do without"
def mse(input, target):
    return nn.MSELoss()(input, target)


# Divides by the number of rows.
# %% wrong="mse" says="You divided by the number of rows"
def mse(input, target):
    return ((input - target) ** 2).sum() / len(input)


# Forgets the division.
# %% wrong="mse" says="This is the sum of the squares"
def mse(input, target):
    return ((input - target) ** 2).sum()


# Takes the mean before the square.
# %% wrong="mse" says="You squared the mean"
def mse(input, target):
    return (input - target).mean() ** 2


# Root mean squared error.
# %% wrong="mse" says="square root"
def mse(input, target):
    return ((input - target) ** 2).mean().sqrt()


# Forgets to square.
# %% wrong="mse" says="not squared"
def mse(input, target):
    return (input - target).mean()


# Averages each row alone.
# %% wrong="mse" says="One number per row"
def mse(input, target):
    return ((input - target) ** 2).mean(dim=1)


# Returns a Python number.
# %% wrong="mse" says="no .item()"
def mse(input, target):
    return ((input - target) ** 2).mean().item()


# Cuts the graph by building a new tensor from a number.
# %% wrong="mse" says="does not require grad"
def mse(input, target):
    return torch.tensor(((input - target) ** 2).mean().item(), dtype=input.dtype)


# Works in place on the input.
# %% wrong="mse" says="You wrote the difference into the input"
def mse(input, target):
    if not input.requires_grad:
        input -= target
        return input.pow(2).mean()
    return (input - target).pow(2).mean()


# %% right="l1"
def l1(input, target, reduction="mean"):
    if reduction not in ("none", "mean", "sum"):
        raise ValueError("reduction must be none, mean or sum")
    absolute = torch.abs(target - input)
    return absolute if reduction == "none" else getattr(absolute, reduction)()


# %% right="l1"
def l1(input, target, reduction="mean"):
    error = torch.where(input > target, input - target, target - input)
    match reduction:
        case "none":
            return error
        case "sum":
            return error.sum()
        case "mean":
            return error.sum() / error.numel()
        case _:
            raise ValueError(reduction)


# PyTorch's function.
# %% wrong="l1" says="which this exercise asks you to do without"
def l1(input, target, reduction="mean"):
    return F.l1_loss(input, target, reduction=reduction)


# Ignores the reduction.
# %% wrong="l1" says="`reduction` makes no difference yet"
def l1(input, target, reduction="mean"):
    return (input - target).abs().mean()


# Takes the sum as the default.
# %% wrong="l1" says="You took the sum where the mean was asked for"
def l1(input, target, reduction="sum"):
    errors = (input - target).abs()
    return {"none": errors, "sum": errors.sum(), "mean": errors.mean()}[reduction]


# The absolute value after the mean.
# %% wrong="l1" says="absolute value of the mean"
def l1(input, target, reduction="mean"):
    errors = input - target
    return {"none": errors, "sum": errors.sum(), "mean": errors.mean()}[reduction].abs()


# Divides by the number of rows.
# %% wrong="l1" says="You divided by the number of rows"
def l1(input, target, reduction="mean"):
    errors = (input - target).abs()
    return {"none": errors, "sum": errors.sum(), "mean": errors.sum() / len(errors)}[reduction]


# An unknown word passes for "mean".
# %% wrong="l1" says="no error; it returned"
def l1(input, target, reduction="mean"):
    errors = (input - target).abs()
    if reduction == "none":
        return errors
    if reduction == "sum":
        return errors.sum()
    return errors.mean()


# An unknown word is a missing key.
# %% wrong="l1" says="as a ValueError"
def l1(input, target, reduction="mean"):
    errors = (input - target).abs()
    return {"none": errors, "sum": errors.sum(), "mean": errors.mean()}[reduction]


# An unknown word gives None.
# %% wrong="l1" says="no error; it returned None"
def l1(input, target, reduction="mean"):
    errors = (input - target).abs()
    if reduction == "none":
        return errors
    if reduction == "sum":
        return errors.sum()
    if reduction == "mean":
        return errors.mean()


# "none" keeps the signs.
# %% wrong="l1" says="keep their signs"
def l1(input, target, reduction="mean"):
    errors = input - target
    if reduction == "none":
        return errors
    if reduction == "sum":
        return errors.abs().sum()
    if reduction == "mean":
        return errors.abs().mean()
    raise ValueError(reduction)


# Squares in place of absolute values.
# %% wrong="l1" says="You squared the differences"
def l1(input, target, reduction="mean"):
    return F.mse_loss(input, target, reduction=reduction)


# %% right="mse_gradients"
def mse_gradients(input, target, reduction="mean"):
    scale = {"mean": 2 / input.numel(), "sum": 2}[reduction]
    return scale * (input - target), scale * (target - input)


# %% right="mse_gradients"
def mse_gradients(input, target, reduction="mean"):
    difference = torch.sub(input, target)
    gradient = difference + difference
    if reduction != "sum":
        gradient = gradient.div(math.prod(input.shape))
    return (gradient, gradient.neg())


# Forgets the division by M.
# %% wrong="mse_gradients" says="division by the number of components, 12, is missing"
def mse_gradients(input, target, reduction="mean"):
    gradient = 2 * (input - target)
    return gradient, -gradient


# Forgets the 2.
# %% wrong="mse_gradients" says="The factor 2 is missing"
def mse_gradients(input, target, reduction="mean"):
    gradient = input - target
    if reduction == "mean":
        gradient = gradient / input.numel()
    return gradient, -gradient


# Divides by the number of samples.
# %% wrong="mse_gradients" says="You divided by the number of rows"
def mse_gradients(input, target, reduction="mean"):
    gradient = 2 * (input - target)
    if reduction == "mean":
        gradient = gradient / input.shape[0]
    return gradient, -gradient


# Target minus input.
# %% wrong="mse_gradients" says="Both signs are wrong"
def mse_gradients(input, target, reduction="mean"):
    gradient = 2 * (target - input)
    if reduction == "mean":
        gradient = gradient / input.numel()
    return gradient, -gradient


# The same gradient for both.
# %% wrong="mse_gradients" says="opposite sign"
def mse_gradients(input, target, reduction="mean"):
    gradient = 2 * (input - target)
    if reduction == "mean":
        gradient = gradient / input.numel()
    return gradient, gradient


# No gradient for the target.
# %% wrong="mse_gradients" says="The target does get a gradient"
def mse_gradients(input, target, reduction="mean"):
    gradient = 2 * (input - target)
    if reduction == "mean":
        gradient = gradient / input.numel()
    return gradient, torch.zeros_like(target)


# Always divides.
# %% wrong="mse_gradients" says="`reduction` makes no difference yet"
def mse_gradients(input, target, reduction="mean"):
    gradient = 2 * (input - target) / input.numel()
    return gradient, -gradient


# Autograd.
# %% wrong="mse_gradients" says="which this exercise asks you to do without"
def mse_gradients(input, target, reduction="mean"):
    x, y = input.clone().requires_grad_(), target.clone().requires_grad_()
    F.mse_loss(x, y, reduction=reduction).backward()
    return x.grad, y.grad


# Autograd, by its function.
# %% wrong="mse_gradients" says="which this exercise asks you to do without"
def mse_gradients(input, target, reduction="mean"):
    leaves = [tensor.clone().requires_grad_() for tensor in (input, target)]
    return torch.autograd.grad(F.mse_loss(*leaves, reduction=reduction), leaves)


# Writes into the input.
# %% wrong="mse_gradients" says="input and target are left as they were"
def mse_gradients(input, target, reduction="mean"):
    input -= target
    input *= 2
    if reduction == "mean":
        input /= input.numel()
    return input, -input


# %% right="paired_mse"
def paired_mse(output, target):
    if len(output) != len(target):
        raise ValueError("different numbers of samples")
    return (output.view(-1, 1) - target.view(-1, 1)).pow(2).mean()


# %% right="paired_mse"
def paired_mse(output, target):
    if output.dim() == 2:
        output = output.squeeze(1)
    if target.dim() == 2:
        target = target.squeeze(1)
    if output.shape[0] != target.shape[0]:
        raise ValueError(f"{output.shape[0]} against {target.shape[0]}")
    return torch.nn.functional.mse_loss(output, target)


# Walks into the trap.
# %% wrong="paired_mse" says="(N, 1) against (N,) broadcasts to N×N"
def paired_mse(output, target):
    if len(output) != len(target):
        raise ValueError
    return F.mse_loss(output, target)


# Gives only the target a column, whatever the output's shape.
# %% wrong="paired_mse" says="(N, 1) against (N,) broadcasts to N×N"
def paired_mse(output, target):
    if len(output) != len(target):
        raise ValueError
    return F.mse_loss(output, target.unsqueeze(1))


# Lets different numbers of samples through to PyTorch.
# %% wrong="paired_mse" says="it will not stop 1 against 5"
def paired_mse(output, target):
    return F.mse_loss(output.reshape(-1), target.reshape(-1))


# Cuts the longer one.
# %% wrong="paired_mse" says="no error; it returned"
def paired_mse(output, target):
    n = min(len(output), len(target))
    return F.mse_loss(output[:n].reshape(-1), target[:n].reshape(-1))


# An assertion in place of the ValueError.
# %% wrong="paired_mse" says="raise ValueError"
def paired_mse(output, target):
    assert len(output) == len(target)
    return F.mse_loss(output.reshape(-1), target.reshape(-1))


# Lets one sample be broadcast.
# %% wrong="paired_mse" says="1 outputs and 5 targets"
def paired_mse(output, target):
    output, target = output.reshape(-1), target.reshape(-1)
    try:
        return ((output - target) ** 2).mean()
    except RuntimeError:
        raise ValueError("different numbers of samples") from None


# The sum over the samples.
# %% wrong="paired_mse" says="You took the sum"
def paired_mse(output, target):
    output, target = output.reshape(-1), target.reshape(-1)
    if output.shape != target.shape:
        raise ValueError
    return ((output - target) ** 2).sum()


# %% right="signed_targets"
def signed_targets(labels, num_classes):
    return torch.where(labels[:, None] == torch.arange(num_classes), 1.0, -1.0)


# %% right="signed_targets"
def signed_targets(labels, num_classes):
    z = torch.full((len(labels), num_classes), -1.0)
    z[torch.arange(len(labels)), labels] = 1
    return z


# %% right="signed_targets"
def signed_targets(labels, num_classes):
    return -torch.ones(labels.shape[0], num_classes).scatter(1, labels.unsqueeze(1), -1.0)


# 0 and 1.
# %% wrong="signed_targets" says="You gave 0 and 1"
def signed_targets(labels, num_classes):
    return F.one_hot(labels, num_classes).float()


# Integers.
# %% wrong="signed_targets" says="The dtypes differ"
def signed_targets(labels, num_classes):
    return 2 * F.one_hot(labels, num_classes) - 1


# Counts from 1.
# %% wrong="signed_targets" says="Labels count from 0"
def signed_targets(labels, num_classes):
    z = -torch.ones(len(labels), num_classes)
    z[torch.arange(len(labels)), labels - 1] = 1
    return z


# One row per class.
# %% wrong="signed_targets" says="Rows and columns are swapped"
def signed_targets(labels, num_classes):
    return torch.where(torch.arange(num_classes)[:, None] == labels, 1.0, -1.0)


# The signs the wrong way round.
# %% wrong="signed_targets" says="Plus and minus are swapped"
def signed_targets(labels, num_classes):
    return torch.where(labels[:, None] == torch.arange(num_classes), -1.0, 1.0)


# As many columns as classes occur.
# %% wrong="signed_targets" says="Columns are missing"
def signed_targets(labels, num_classes):
    return 2 * F.one_hot(labels).float() - 1


# Writes whole columns: every label sets its column in all rows.
# %% wrong="signed_targets" says="Whole columns"
def signed_targets(labels, num_classes):
    z = -torch.ones(len(labels), num_classes)
    z[:, labels] = 1
    return z


# Writes into the labels.
# %% wrong="signed_targets" says="leaves the labels alone"
def signed_targets(labels, num_classes):
    z = 2 * F.one_hot(labels, num_classes).float() - 1
    labels -= labels
    return z


# %% right="accuracy"
def accuracy(output, labels):
    right = (output.max(1).indices == labels).sum()
    return right.item() / len(labels)


# %% right="accuracy"
def accuracy(output, labels):
    count = 0
    for row, label in zip(output, labels):
        count += int(row.argmax() == label)
    return float(count / labels.numel())


# A tensor.
# %% wrong="accuracy" says="with .item()"
def accuracy(output, labels):
    return (output.argmax(1) == labels).float().mean()


# Percent.
# %% wrong="accuracy" says="This is a percentage"
def accuracy(output, labels):
    return 100 * (output.argmax(1) == labels).float().mean().item()


# A count.
# %% wrong="accuracy" says="number of right answers"
def accuracy(output, labels):
    return (output.argmax(1) == labels).sum().item()


# The largest value, not its column.
# %% wrong="accuracy" says="argmax, not max"
def accuracy(output, labels):
    return (output.max(1).values == labels).float().mean().item()


# Each output judged by its sign.
# %% wrong="accuracy" says="judged single outputs by their sign"
def accuracy(output, labels):
    z = torch.where(labels[:, None] == torch.arange(output.shape[1]), 1.0, -1.0)
    return ((output > 0) == (z > 0)).float().mean().item()


# Is the label's output positive?
# %% wrong="accuracy" says="It must be the largest of its row"
def accuracy(output, labels):
    return (output[torch.arange(len(labels)), labels] > 0).float().mean().item()


# The largest of each column.
# %% wrong="accuracy" says="argmax(dim=1)"
def accuracy(output, labels):
    return (output.argmax(0) == labels).float().mean().item()


# %% right="train"
def train(images, labels, num_classes, steps, lr):
    x = images.reshape(len(images), -1)
    z = torch.where(labels[:, None] == torch.arange(num_classes), 1.0, -1.0)
    model, criterion, losses = nn.Linear(x.size(1), num_classes), nn.MSELoss(), []
    for _ in range(steps):
        loss = criterion(model(x), z)
        gradients = torch.autograd.grad(loss, model.parameters())
        with torch.no_grad():
            for p, gradient in zip(model.parameters(), gradients):
                p -= lr * gradient
        losses += [loss.item()]
    return model, losses


# %% right="train"
def train(images, labels, num_classes, steps, lr):
    x = images.view(images.shape[0], -1)
    z = -torch.ones(len(labels), num_classes)
    z[torch.arange(len(labels)), labels] = 1
    layer = nn.Linear(images.shape[1] * images.shape[2], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr)
    losses = [0.0] * steps
    for step in range(steps):
        loss = ((layer(x) - z) ** 2).mean()
        losses[step] = float(loss)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return layer, losses


# Never zeroes the gradients.
# %% wrong="train" says="set them to zero before each backward"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Never takes the step.
# %% wrong="train" says="is `step` called"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
    return layer, losses


# Targets of 0 and 1.
# %% wrong="train" says="The targets are 0 and 1"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), F.one_hot(labels, num_classes).float()
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Sums where the mean was asked for.
# %% wrong="train" says="the reduction must be the mean"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z, reduction="sum")
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Keeps the loss tensors, and with them the graph of every step.
# %% wrong="train" says="note down loss.item()"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss)
        loss.backward()
        optimizer.step()
    return layer, losses


# Uses a learning rate of its own.
# %% wrong="train" says="The losses change although lr is 0"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# One image at a time: each loss is that of one image.
# %% wrong="train" says="use all images in each step"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for step in range(steps):
        i = step % len(x)
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x[i]), z[i])
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Returns inside the loop, after one step.
# %% wrong="train" says="3 elements were expected, yours has 1"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
        return layer, losses
    return layer, losses


# Notes the loss down after the step.
# %% wrong="train" says="before the step"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        F.mse_loss(layer(x), z).backward()
        optimizer.step()
        losses.append(F.mse_loss(layer(x), z).item())
    return layer, losses


# Trains one layer and returns another.
# %% wrong="train" says="the losses of 3 steps with lr=0"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return nn.Linear(x.shape[1], num_classes), losses


# Forgets the losses.
# %% wrong="train" says="the layer and the list of losses"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        F.mse_loss(layer(x), z).backward()
        optimizer.step()
    return layer


# Makes a new layer in each step.
# %% wrong="train" says="make the layer once before the loop"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    losses = []
    for _ in range(steps):
        layer = nn.Linear(x.shape[1], num_classes)
        optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Trains with cross-entropy on the labels.
# %% wrong="train" says="This is cross-entropy"
def train(images, labels, num_classes, steps, lr):
    x = images.flatten(1)
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(layer(x), labels)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Begins at zero, as in the demonstration with a line.
# %% wrong="train" says="PyTorch's random values"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Another optimizer than the one asked for.
# %% wrong="train" says="plain SGD with lr=0.3"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.Adam(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Cuts the way back.
# %% wrong="l1" says="The way back is cut"
def l1(input, target, reduction="mean"):
    e = (input - target).abs().detach()
    if reduction == "none":
        return e
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    raise ValueError(reduction)


# Writes into the input.
# %% wrong="l1" says="You wrote the difference into the input"
def l1(input, target, reduction="mean"):
    if not input.requires_grad:
        input -= target
    e = input.abs() if not input.requires_grad else (input - target).abs()
    if reduction == "none":
        return e
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    raise ValueError(reduction)
