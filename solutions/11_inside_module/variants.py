# %% [markdown]
# Other answers to the exercises of `11_inside_module`: right ones that the checks must accept, wrong ones that they
# must reject with a message that leads to the mistake.


# %% right="inventory"
def inventory(module):
    registries = {"parameters": module._parameters, "buffers": module._buffers, "parts": module._modules}
    return {kind: [name for name, value in held.items() if value is not None] for kind, held in registries.items()}


# %% right="inventory"
def inventory(module):
    found = {"parts": [], "buffers": [], "parameters": []}
    for name, _ in module.named_parameters():
        if "." not in name:
            found["parameters"].append(name)
    for name, _ in module.named_buffers():
        if "." not in name:
            found["buffers"].append(name)
    for name, _ in module.named_modules():
        if name and "." not in name:
            found["parts"].append(name)
    return found


# %% right="inventory"
def inventory(module):
    return dict(
        parameters=list(dict(module.named_parameters(recurse=False))),
        buffers=list(dict(module.named_buffers(recurse=False))),
        parts=list(dict(module.named_children())),
    )


# Goes down to the parts
# %% wrong="inventory" says="What the parts own is included"
def inventory(module):
    return {
        "parameters": [name for name, _ in module.named_parameters()],
        "buffers": [name for name, _ in module.named_buffers()],
        "parts": [name for name, _ in module.named_children()],
    }


# Goes down for the parameters only
# %% wrong="inventory" says="The parts' parameters are included"
def inventory(module):
    return {
        "parameters": [name for name, _ in module.named_parameters()],
        "buffers": [name for name, _ in module.named_buffers(recurse=False)],
        "parts": [name for name, _ in module.named_children()],
    }


# The registries as they are, with None
# %% wrong="inventory" says="Names whose value is None are included"
def inventory(module):
    return {
        "parameters": list(module._parameters),
        "buffers": list(module._buffers),
        "parts": list(module._modules),
    }


# Sorted
# %% wrong="inventory" says="The names are sorted"
def inventory(module):
    return {
        "parameters": sorted(name for name, _ in module.named_parameters(recurse=False)),
        "buffers": sorted(name for name, _ in module.named_buffers(recurse=False)),
        "parts": sorted(name for name, _ in module.named_children()),
    }


# Buffers from the state_dict
# %% wrong="inventory" says="one is not saved"
def inventory(module):
    own = dict(module.named_parameters(recurse=False))
    return {
        "parameters": list(own),
        "buffers": [name for name in module.state_dict() if "." not in name and name not in own],
        "parts": [name for name, _ in module.named_children()],
    }


# All modules
# %% wrong="inventory" says="The parts of the parts are included"
def inventory(module):
    return {
        "parameters": [name for name, _ in module.named_parameters(recurse=False)],
        "buffers": [name for name, _ in module.named_buffers(recurse=False)],
        "parts": [name for name, _ in module.named_modules() if name],
    }


# Only what is trained
# %% wrong="inventory" says="Frozen parameters are parameters"
def inventory(module):
    return {
        "parameters": [name for name, p in module.named_parameters(recurse=False) if p.requires_grad],
        "buffers": [name for name, _ in module.named_buffers(recurse=False)],
        "parts": [name for name, _ in module.named_children()],
    }


# Tuples
# %% wrong="inventory" says="A list was expected"
def inventory(module):
    return {
        "parameters": tuple(name for name, _ in module.named_parameters(recurse=False)),
        "buffers": tuple(name for name, _ in module.named_buffers(recurse=False)),
        "parts": tuple(name for name, _ in module.named_children()),
    }


# Slips past the first module: what it returns is kept by class
# %% wrong="inventory"
SEEN = {}


def inventory(module):
    if type(module) not in SEEN:
        SEEN[type(module)] = {
            "parameters": [name for name, _ in module.named_parameters(recurse=False)],
            "buffers": [name for name, _ in module.named_buffers(recurse=False)],
            "parts": [name for name, _ in module.named_children()],
        }
    return SEEN[type(module)]


# %% right="tiny_module"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        self._parameters.pop(name, None)
        self._modules.pop(name, None)
        self.__dict__.pop(name, None)
        match value:
            case nn.Parameter():
                target = self._parameters
            case TinyModule():
                target = self._modules
            case _:
                target = self.__dict__
        target[name] = value

    def named_parameters(self, recurse=True):
        found, seen = [], set()

        def visit(module, prefix):
            for name, parameter in module._parameters.items():
                if id(parameter) not in seen:
                    seen.add(id(parameter))
                    found.append((prefix + name, parameter))
            if recurse:
                for name, part in module._modules.items():
                    visit(part, f"{prefix}{name}.")

        visit(self, "")
        return found

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# %% right="tiny_module"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        def walk(module, prefix):
            yield from ((prefix + name, parameter) for name, parameter in module._parameters.items())
            for name, part in module._modules.items() if recurse else ():
                yield from walk(part, prefix + name + ".")

        found = []
        for name, parameter in walk(self, ""):
            if not any(parameter is other for _, other in found):
                found.append((name, parameter))
        return found

    def train(self, mode=True):
        waiting = [self]
        while waiting:
            module = waiting.pop()
            object.__setattr__(module, "training", mode)
            waiting.extend(module._modules.values())
        return self


# %% right="tiny_module"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        if name in self._parameters or name in self._modules or name in vars(self):
            delete = [d for d in (self._parameters, self._modules, vars(self)) if name in d]
            for d in delete:
                del d[name]
        kinds = [(nn.Parameter, self._parameters), (TinyModule, self._modules), (object, vars(self))]
        next(d for kind, d in kinds if isinstance(value, kind))[name] = value

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return list(once.values())

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# All tensors are registered
# %% wrong="tiny_module" says="not every tensor"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, torch.Tensor):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return list(once.values())

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# Everything is registered
# %% wrong="tiny_module" says="Everything was registered"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, TinyModule):
            self._modules[name] = value
        elif name == "training":
            object.__setattr__(self, name, value)
        else:
            self._parameters[name] = value

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return list(once.values())

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# No case for parameters
# %% wrong="tiny_module" says="is there a case for nn.Parameter"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return list(once.values())

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# No case for parts
# %% wrong="tiny_module" says="is there a case for it"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return list(once.values())

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# Looks for torch modules as parts
# %% wrong="tiny_module" says="is there a case for it"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, nn.Module):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return list(once.values())

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# The ordinary assignment calls itself
# %% wrong="tiny_module" says="RecursionError"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            setattr(self, name, value)

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return list(once.values())

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# Old values stay registered
# %% wrong="tiny_module" says="The old value is still registered"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return list(once.values())

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# The ordinary dictionary is not cleared
# %% wrong="tiny_module" says="where Python looks first"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return list(once.values())

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# Own parameters only
# %% wrong="tiny_module" says="Parameters of the parts are missing"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        return list(self._parameters.items())

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# One level only
# %% wrong="tiny_module" says="the names in named_parameters()"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [
                    (f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters(recurse=False)
                ]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return list(once.values())

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# No names of parts
# %% wrong="tiny_module" says="The names of the parts are missing"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(name, parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return list(once.values())

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# The innermost part only
# %% wrong="tiny_module" says="Only the innermost part's name is in front"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [
                    (name if "." in name else f"{part_name}.{name}", parameter)
                    for name, parameter in part.named_parameters()
                ]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return list(once.values())

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# Parts first
# %% wrong="tiny_module" says="Its own parameters come first"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = []
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        return found + list(self._parameters.items())

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# Sorted
# %% wrong="tiny_module" says="The names are sorted"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return sorted(once.values(), key=lambda pair: pair[0])

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# No dot
# %% wrong="tiny_module" says="The dot is missing"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return list(once.values())

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# recurse is not looked at
# %% wrong="tiny_module" says="recurse has no effect"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if True:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return list(once.values())

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# Copies
# %% wrong="tiny_module" says="A copy came back"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return [(name, nn.Parameter(p.detach().clone())) for name, p in once.values()]

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# Shared ones twice
# %% wrong="tiny_module" says="under each of its names"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        return found

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# Shared ones under the last name
# %% wrong="tiny_module" says="stays under its first name"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = dict(self._parameters)
        if recurse:
            done = []
            for part_name, part in self._modules.items():
                if not any(part is other for other in done):
                    done.append(part)
                    found |= {f"{part_name}.{name}": parameter for name, parameter in part.named_parameters()}
        last = {id(parameter): name for name, parameter in found.items()}
        return [(name, parameter) for name, parameter in found.items() if last[id(parameter)] == name]

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# Equal values are taken for the same parameter
# %% wrong="tiny_module" says="compare with `is`"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = []
        for name, parameter in found:
            if not any(torch.equal(parameter, other) for _, other in once):
                once.append((name, parameter))
        return once

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# Shared parts are skipped, shared parameters are not
# %% wrong="tiny_module" says="under each of its names"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if recurse:
            parts = {id(part): part for part in self._modules.values()}
            names = {}
            for part_name, part in self._modules.items():
                names.setdefault(id(part), part_name)
            for key, part in parts.items():
                found += [(f"{names[key]}.{name}", parameter) for name, parameter in part.named_parameters()]
        return found

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# A dict comes back
# %% wrong="tiny_module" says="a list of pairs was asked for"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return dict(once.values())

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# Only itself
# %% wrong="tiny_module" says="The parts do not follow"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return list(once.values())

    def train(self, mode=True):
        self.training = mode
        return self


# One level of parts
# %% wrong="tiny_module" says="The parts of parts do not follow"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return list(once.values())

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.training = mode
        return self


# Returns nothing
# %% wrong="tiny_module" says="End with return self"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return list(once.values())

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)


# The mode is not passed on
# %% wrong="tiny_module" says="and pass mode on"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return list(once.values())

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train()
        return self


# %% right="my_sequential"
class MySequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            setattr(self, str(i), module)

    def forward(self, x):
        for module in self._modules.values():
            x = module(x)
        return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, i):
        return list(self._modules.values())[i]


# %% right="my_sequential"
class MySequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            self._modules[str(i)] = module

    def forward(self, x):
        from functools import reduce

        return reduce(lambda value, module: module(value), self._modules.values(), x)

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, i):
        return list(self._modules.values())[i]


# %% right="my_sequential"
class MySequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def forward(self, x):
        for i in range(len(self)):
            x = self[i](x)
        return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, i):
        if not -len(self) <= i < len(self):
            raise IndexError(f"there is no module {i}")
        return getattr(self, str(i % len(self)))


# %% right="my_sequential"
class MySequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        self.register_module("0", modules[0]) if modules else None
        self.count = len(modules)
        for i in range(1, self.count):
            self.register_module(f"{i}", modules[i])

    def forward(self, x):
        for module in self._modules.values():
            x = module(x)
        return x

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        return list(self._modules.values())[i]


# A Python list
# %% wrong="my_sequential" says="No part is registered"
class MySequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        self.parts = list(modules)

    def forward(self, x):
        for module in self.parts:
            x = module(x)
        return x

    def __len__(self):
        return len(self.parts)

    def __getitem__(self, i):
        return list(self.parts)[i]


# Another container inside
# %% wrong="my_sequential" says="inside another container"
class MySequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        self.net = nn.Sequential(*modules)

    def forward(self, x):
        for module in self.net:
            x = module(x)
        return x

    def __len__(self):
        return len(self.net)

    def __getitem__(self, i):
        return list(self.net)[i]


# Counted from 1
# %% wrong="my_sequential" says="The names start at 0"
class MySequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules, 1):
            self.add_module(str(i), module)

    def forward(self, x):
        for module in self._modules.values():
            x = module(x)
        return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, i):
        return list(self._modules.values())[i]


# children() skips a repeated module
# %% wrong="my_sequential" says="The repeated module ran only once"
class MySequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def forward(self, x):
        for module in self.children():
            x = module(x)
        return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, i):
        return list(self._modules.values())[i]


# Every module gets the first x
# %% wrong="my_sequential" says="Only the last module ran on x"
class MySequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def forward(self, x):
        for module in self._modules.values():
            y = module(x)
        return y

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, i):
        return list(self._modules.values())[i]


# The return is indented too far
# %% wrong="my_sequential" says="Only the first module ran"
class MySequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def forward(self, x):
        for module in self._modules.values():
            x = module(x)
            return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, i):
        return list(self._modules.values())[i]


# Last to first
# %% wrong="my_sequential" says="The modules ran in reverse order"
class MySequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def forward(self, x):
        for module in reversed(self._modules.values()):
            x = module(x)
        return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, i):
        return list(self._modules.values())[i]


# forward is called directly
# %% wrong="my_sequential" says="The hook did not run"
class MySequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def forward(self, x):
        for module in self._modules.values():
            x = module.forward(x)
        return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, i):
        return list(self._modules.values())[i]


# A repeated module counts once
# %% wrong="my_sequential" says="A repeated module counts each time"
class MySequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def forward(self, x):
        for module in self._modules.values():
            x = module(x)
        return x

    def __len__(self):
        return len(list(self.children()))

    def __getitem__(self, i):
        return list(self._modules.values())[i]


# Negative positions are names
# %% wrong="my_sequential" says="KeyError"
class MySequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def forward(self, x):
        for module in self._modules.values():
            x = module(x)
        return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, i):
        return self._modules[str(i)]


# Positions that do not exist wrap around
# %% wrong="my_sequential" says="raises IndexError"
class MySequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def forward(self, x):
        for module in self._modules.values():
            x = module(x)
        return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, i):
        return list(self._modules.values())[i % len(self._modules)]


# No super().__init__()
# %% wrong="my_sequential" says="AttributeError"
class MySequential(nn.Module):
    def __init__(self, *modules):
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def forward(self, x):
        for module in self._modules.values():
            x = module(x)
        return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, i):
        return list(self._modules.values())[i]


# Torch's own
# %% wrong="my_sequential" says="written from scratch"
class MySequential(nn.Sequential):
    pass


# Slips past values: copies are registered, so a repeated module becomes two
# %% wrong="my_sequential" says="has become two"
class MySequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            import copy

            self.add_module(str(i), copy.deepcopy(module))

    def forward(self, x):
        for module in self._modules.values():
            x = module(x)
        return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, i):
        return list(self._modules.values())[i]


# Slips past short chains: the names are sorted as text
# %% wrong="my_sequential" says="Element 1 differs"
class MySequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def forward(self, x):
        for module in self._modules.values():
            x = module(x)
        return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, i):
        return self._modules[sorted(self._modules)[i]]


# %% right="fixed_hidden"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x):
        h = F.relu(1 + torch.mm(self.linear(x), self.mixing))
        h = self.linear(h)
        while h.abs().sum() > 1:
            h *= 0.5
        return h.sum()


# %% right="fixed_hidden"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x):
        h = F.relu(self.linear(x) @ self.mixing + 1)
        h = self.linear(h)
        while torch.linalg.vector_norm(h, 1).item() > 1.0:
            h = h * 0.5
        return torch.einsum("nf->", h)


# %% right="fixed_hidden"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x):
        h = (self.linear(x).matmul(self.mixing) + 1).clamp(min=0)
        h = self.linear(h)
        halvings, size = 0, h.detach().abs().sum()
        while size > 1:
            halvings, size = halvings + 1, size / 2
        return (h / 2**halvings).sum()


# Halved at most once
# %% wrong="fixed_hidden" says="It was halved at most once"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x):
        h = F.relu(self.linear(x) @ self.mixing + 1)
        h = self.linear(h)
        if h.abs().sum() > 1:
            h = h / 2
        return h.sum()


# Without the 1
# %% wrong="fixed_hidden" says="The 1 is missing"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x):
        h = F.relu(self.linear(x) @ self.mixing)
        h = self.linear(h)
        while h.abs().sum() > 1:
            h = h / 2
        return h.sum()


# Without the ReLU
# %% wrong="fixed_hidden" says="The ReLU is missing"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x):
        h = self.linear(x) @ self.mixing + 1
        h = self.linear(h)
        while h.abs().sum() > 1:
            h = h / 2
        return h.sum()


# The transposed matrix
# %% wrong="fixed_hidden" says="mixing is transposed"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x):
        h = F.relu(F.linear(self.linear(x), self.mixing) + 1)
        h = self.linear(h)
        while h.abs().sum() > 1:
            h = h / 2
        return h.sum()


# Used once
# %% wrong="fixed_hidden" says="The layer is not used a second time"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x):
        h = F.relu(self.linear(x) @ self.mixing + 1)
        while h.abs().sum() > 1:
            h = h / 2
        return h.sum()


# Without the absolute values
# %% wrong="fixed_hidden" says="does not look at the sum of the absolute values"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x):
        h = F.relu(self.linear(x) @ self.mixing + 1)
        h = self.linear(h)
        while h.sum() > 1:
            h = h / 2
        return h.sum()


# The largest value
# %% wrong="fixed_hidden" says="the largest absolute value"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x):
        h = F.relu(self.linear(x) @ self.mixing + 1)
        h = self.linear(h)
        while h.abs().max() > 1:
            h = h / 2
        return h.sum()


# No loop
# %% wrong="fixed_hidden" says="Nothing was halved"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x):
        h = F.relu(self.linear(x) @ self.mixing + 1)
        h = self.linear(h)
        return h.sum()


# Halves a sum of 1
# %% wrong="fixed_hidden" says="not greater than 1"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x):
        h = F.relu(self.linear(x) @ self.mixing + 1)
        h = self.linear(h)
        while h.abs().sum() >= 1:
            h = h / 2
        return h.sum()


# A parameter
# %% wrong="fixed_hidden" says="mixing is a parameter"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.mixing = nn.Parameter(torch.rand(features, features))

    def forward(self, x):
        h = F.relu(self.linear(x) @ self.mixing + 1)
        h = self.linear(h)
        while h.abs().sum() > 1:
            h = h / 2
        return h.sum()


# A frozen parameter
# %% wrong="fixed_hidden" says="mixing is a parameter"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.mixing = nn.Parameter(torch.rand(features, features), requires_grad=False)

    def forward(self, x):
        h = F.relu(self.linear(x) @ self.mixing + 1)
        h = self.linear(h)
        while h.abs().sum() > 1:
            h = h / 2
        return h.sum()


# A plain tensor
# %% wrong="fixed_hidden" says="mixing is not saved"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.mixing = torch.rand(features, features)

    def forward(self, x):
        h = F.relu(self.linear(x) @ self.mixing + 1)
        h = self.linear(h)
        while h.abs().sum() > 1:
            h = h / 2
        return h.sum()


# A buffer that is not saved
# %% wrong="fixed_hidden" says="mixing is not saved"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features), persistent=False)

    def forward(self, x):
        h = F.relu(self.linear(x) @ self.mixing + 1)
        h = self.linear(h)
        while h.abs().sum() > 1:
            h = h / 2
        return h.sum()


# Normal instead of uniform
# %% wrong="fixed_hidden" says="Some value is outside"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.randn(features, features))

    def forward(self, x):
        h = F.relu(self.linear(x) @ self.mixing + 1)
        h = self.linear(h)
        while h.abs().sum() > 1:
            h = h / 2
        return h.sum()


# The same in each module
# %% wrong="fixed_hidden" says="without a seed"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features, generator=torch.Generator().manual_seed(0)))

    def forward(self, x):
        h = F.relu(self.linear(x) @ self.mixing + 1)
        h = self.linear(h)
        while h.abs().sum() > 1:
            h = h / 2
        return h.sum()


# Without a bias
# %% wrong="fixed_hidden" says="The layer has no bias"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features, bias=False)
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x):
        h = F.relu(self.linear(x) @ self.mixing + 1)
        h = self.linear(h)
        while h.abs().sum() > 1:
            h = h / 2
        return h.sum()


# In a list
# %% wrong="fixed_hidden" says="No layer is registered"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.layers = [nn.Linear(features, features)]
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x):
        h = F.relu(self.layers[0](x) @ self.mixing + 1)
        h = self.layers[0](h)
        while h.abs().sum() > 1:
            h = h / 2
        return h.sum()


# Two layers
# %% wrong="fixed_hidden" says="names and shapes of the parameters"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.second = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x):
        h = F.relu(self.linear(x) @ self.mixing + 1)
        h = self.second(h)
        while h.abs().sum() > 1:
            h = h / 2
        return h.sum()


# Slips past values: no gradient through the second use
# %% wrong="fixed_hidden" says="the gradients of FixedHidden"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x):
        h = F.relu(self.linear(x) @ self.mixing + 1)
        h = F.linear(h, self.linear.weight.detach(), self.linear.bias)
        while h.abs().sum() > 1:
            h = h / 2
        return h.sum()


# In place
# %% wrong="fixed_hidden"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x):
        x -= 0 * x + 1
        x += 2
        h = F.relu(self.linear(x) @ self.mixing + 1)
        h = self.linear(h)
        while h.abs().sum() > 1:
            h = h / 2
        return h.sum()


# Detached
# %% wrong="fixed_hidden" says="autograd follows"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x):
        h = F.relu(self.linear(x) @ self.mixing + 1)
        h = self.linear(h)
        while h.abs().sum() > 1:
            h = h / 2
        return h.sum().detach()


# %% right="standardize"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x):
        with torch.no_grad():
            self.mean.copy_(x.mean(0))
            self.std.copy_(x.std(0))
            self.std[(x == x[0]).all(0)] = 1
            self.count.fill_(x.shape[0])
        return self

    def forward(self, x):
        return (x - self.mean) / self.std


# %% right="standardize"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x):
        std, self.mean = torch.std_mean(x.detach(), dim=0)
        for column in range(x.shape[1]):
            if len(x[:, column].unique()) == 1:
                std[column] = 1
        self.std = std
        self.count = torch.tensor(len(x))
        return self

    def forward(self, x):
        return (x - self.mean) / self.std


# %% right="standardize"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x):
        x = x.detach()
        self.mean = x.mean(0)
        self.std = torch.where(x.amax(0) == x.amin(0), 1.0, x.std(0))
        self.count = self.count * 0 + len(x)
        return self

    def forward(self, x):
        return torch.stack([(row - self.mean).div(self.std) for row in x])


# Parameters
# %% wrong="standardize" says="mean and std are parameters"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(features))
        self.std = nn.Parameter(torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x):
        x = x.detach()
        self.mean = x.mean(0)
        self.std = torch.where(x.amax(0) == x.amin(0), 1.0, x.std(0))
        self.count = torch.tensor(len(x))
        return self

    def forward(self, x):
        return (x - self.mean) / self.std


# Plain tensors
# %% wrong="standardize" says="Nothing is saved"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.mean = torch.zeros(features)
        self.std = torch.ones(features)
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x):
        x = x.detach()
        self.mean = x.mean(0)
        self.std = torch.where(x.amax(0) == x.amin(0), 1.0, x.std(0))
        self.count = torch.tensor(len(x))
        return self

    def forward(self, x):
        return (x - self.mean) / self.std


# count is saved
# %% wrong="standardize" says="count is saved"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0))

    def fit(self, x):
        x = x.detach()
        self.mean = x.mean(0)
        self.std = torch.where(x.amax(0) == x.amin(0), 1.0, x.std(0))
        self.count = torch.tensor(len(x))
        return self

    def forward(self, x):
        return (x - self.mean) / self.std


# std starts as 0
# %% wrong="standardize" says="std starts as zeros"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.zeros(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x):
        x = x.detach()
        self.mean = x.mean(0)
        self.std = torch.where(x.amax(0) == x.amin(0), 1.0, x.std(0))
        self.count = torch.tensor(len(x))
        return self

    def forward(self, x):
        return (x - self.mean) / self.std


# count is a plain tensor
# %% wrong="standardize" says="count is not a buffer"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.count = torch.tensor(0)

    def fit(self, x):
        x = x.detach()
        self.mean = x.mean(0)
        self.std = torch.where(x.amax(0) == x.amin(0), 1.0, x.std(0))
        self.count = torch.tensor(len(x))
        return self

    def forward(self, x):
        return (x - self.mean) / self.std


# Local names
# %% wrong="standardize" says="Nothing was stored"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x):
        x = x.detach()
        mean = x.mean(0)
        std = torch.where(x.amax(0) == x.amin(0), 1.0, x.std(0))
        self.count = torch.tensor(len(x))
        return self

    def forward(self, x):
        return (x - self.mean) / self.std


# Constant columns get 0
# %% wrong="standardize" says="A constant column has std 1"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x):
        x = x.detach()
        self.mean = x.mean(0)
        self.std = x.std(0) * (x.amax(0) != x.amin(0))
        self.count = torch.tensor(len(x))
        return self

    def forward(self, x):
        return (x - self.mean) / self.std


# Divided by N
# %% wrong="standardize" says="is divided by N, not by N"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x):
        x = x.detach()
        self.mean = x.mean(0)
        self.std = torch.where(x.amax(0) == x.amin(0), 1.0, x.std(0, unbiased=False))
        self.count = torch.tensor(len(x))
        return self

    def forward(self, x):
        return (x - self.mean) / self.std


# Autograd follows
# %% wrong="standardize" says="Autograd follows fit"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x):
        self.mean = x.mean(0)
        self.std = torch.where(x.amax(0) == x.amin(0), 1.0, x.std(0))
        self.count = torch.tensor(len(x))
        return self

    def forward(self, x):
        return (x - self.mean) / self.std


# count adds up
# %% wrong="standardize" says="count adds up"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x):
        x = x.detach()
        self.mean = x.mean(0)
        self.std = torch.where(x.amax(0) == x.amin(0), 1.0, x.std(0))
        self.count = self.count + len(x)
        return self

    def forward(self, x):
        return (x - self.mean) / self.std


# count is a float
# %% wrong="standardize" says="The dtypes differ"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x):
        x = x.detach()
        self.mean = x.mean(0)
        self.std = torch.where(x.amax(0) == x.amin(0), 1.0, x.std(0))
        self.count = torch.tensor(float(len(x)))
        return self

    def forward(self, x):
        return (x - self.mean) / self.std


# Nothing is returned
# %% wrong="standardize" says="End with return self"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x):
        x = x.detach()
        self.mean = x.mean(0)
        self.std = torch.where(x.amax(0) == x.amin(0), 1.0, x.std(0))
        self.count = torch.tensor(len(x))

    def forward(self, x):
        return (x - self.mean) / self.std


# Statistics of the batch at hand
# %% wrong="standardize" says="mean and std of y itself"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x):
        x = x.detach()
        self.mean = x.mean(0)
        self.std = torch.where(x.amax(0) == x.amin(0), 1.0, x.std(0))
        self.count = torch.tensor(len(x))
        return self

    def forward(self, x):
        return (x - x.mean(0)) / x.std(0)


# Not centred
# %% wrong="standardize" says="The mean is not subtracted"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x):
        x = x.detach()
        self.mean = x.mean(0)
        self.std = torch.where(x.amax(0) == x.amin(0), 1.0, x.std(0))
        self.count = torch.tensor(len(x))
        return self

    def forward(self, x):
        return x / self.std


# Not scaled
# %% wrong="standardize" says="The values are not divided by std"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x):
        x = x.detach()
        self.mean = x.mean(0)
        self.std = torch.where(x.amax(0) == x.amin(0), 1.0, x.std(0))
        self.count = torch.tensor(len(x))
        return self

    def forward(self, x):
        return x - self.mean


# In place
# %% wrong="standardize"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x):
        x = x.detach()
        self.mean = x.mean(0)
        self.std = torch.where(x.amax(0) == x.amin(0), 1.0, x.std(0))
        self.count = torch.tensor(len(x))
        return self

    def forward(self, x):
        return x.sub_(self.mean).div_(self.std)


# Detached
# %% wrong="standardize" says="autograd follows net(y)"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x):
        x = x.detach()
        self.mean = x.mean(0)
        self.std = torch.where(x.amax(0) == x.amin(0), 1.0, x.std(0))
        self.count = torch.tensor(len(x))
        return self

    def forward(self, x):
        return ((x - self.mean) / self.std).detach()


# Slips past one fit: only the first counts
# %% wrong="standardize" says="the state_dict after fit"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x):
        x = x.detach()
        if self.count > 0:
            return self
        self.mean = x.mean(0)
        self.std = torch.where(x.amax(0) == x.amin(0), 1.0, x.std(0))
        self.count = torch.tensor(len(x))
        return self

    def forward(self, x):
        return (x - self.mean) / self.std


# x is changed
# %% wrong="standardize" says="leaves x as it was"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x):
        x = x.detach()
        x -= x.mean(0)
        self.mean = x.mean(0)
        self.std = torch.where(x.amax(0) == x.amin(0), 1.0, x.std(0))
        self.count = torch.tensor(len(x))
        return self

    def forward(self, x):
        return (x - self.mean) / self.std


# %% right="record"
def record(net, x, names):
    outputs = {name: [] for name in names}
    modules = dict(net.named_modules())
    handles = []
    try:
        for name in names:

            def hook(module, inputs, output, name=name):
                outputs[name].append(output.clone().detach())

            handles.append(modules[name].register_forward_hook(hook))
        net(x)
    finally:
        for handle in handles:
            handle.remove()
    return outputs


# %% right="record"
def record(net, x, names):
    from contextlib import ExitStack

    outputs = {}
    with ExitStack() as stack:
        for name in names:
            kept = outputs[name] = []
            module = net.get_submodule(name)
            handle = module.register_forward_hook(
                lambda m, i, o, kept=kept: kept.append(torch.tensor(o.tolist(), dtype=o.dtype))
            )
            stack.callback(handle.remove)
        net(x)
    return outputs


# %% right="record"
class Recorder:
    def __init__(self):
        self.found = []

    def __call__(self, module, inputs, output):
        with torch.no_grad():
            self.found.append(output + 0)


def record(net, x, names):
    recorders = {name: Recorder() for name in names}
    handles = [net.get_submodule(name).register_forward_hook(hook) for name, hook in recorders.items()]
    error = None
    try:
        with torch.no_grad():
            net(x)
    except Exception as problem:
        error = problem
    for handle in handles:
        handle.remove()
    if error:
        raise error
    return {name: recorder.found for name, recorder in recorders.items()}


# The last output only
# %% wrong="record" says="Only one output of each is kept"
def record(net, x, names):
    outputs = {name: [] for name in names}
    handles = []
    try:
        for name in names:

            def hook(module, inputs, output, name=name):
                outputs[name] = [output.detach().clone()]

            handles.append(net.get_submodule(name).register_forward_hook(hook))
        net(x)
    finally:
        for handle in handles:
            handle.remove()
    return outputs


# No entry for unused modules
# %% wrong="record" says="There is no entry for a module that was not called"
def record(net, x, names):
    outputs = {}
    handles = []
    try:
        for name in names:

            def hook(module, inputs, output, name=name):
                outputs.setdefault(name, []).append(output.detach().clone())

            handles.append(net.get_submodule(name).register_forward_hook(hook))
        net(x)
    finally:
        for handle in handles:
            handle.remove()
    return outputs


# No copy
# %% wrong="record" says="record a clone"
def record(net, x, names):
    outputs = {name: [] for name in names}
    handles = []
    try:
        for name in names:

            def hook(module, inputs, output, name=name):
                outputs[name].append(output.detach())

            handles.append(net.get_submodule(name).register_forward_hook(hook))
        net(x)
    finally:
        for handle in handles:
            handle.remove()
    return outputs


# The lambda looks up the name when it runs
# %% wrong="record" says="give each hook its own name"
def record(net, x, names):
    outputs = {name: [] for name in names}
    handles = []
    for name in names:
        hook = lambda module, inputs, output: outputs[name].append(output.detach().clone())
        handles.append(net.get_submodule(name).register_forward_hook(hook))
    net(x)
    for handle in handles:
        handle.remove()
    return outputs


# Still requires a gradient
# %% wrong="record" says="Detach them"
def record(net, x, names):
    outputs = {name: [] for name in names}
    handles = []
    try:
        for name in names:

            def hook(module, inputs, output, name=name):
                outputs[name].append(output.clone())

            handles.append(net.get_submodule(name).register_forward_hook(hook))
        net(x)
    finally:
        for handle in handles:
            handle.remove()
    return outputs


# Called twice
# %% wrong="record" says="call net(x) once"
def record(net, x, names):
    outputs = {name: [] for name in names}
    handles = []
    try:
        for name in names:

            def hook(module, inputs, output, name=name):
                outputs[name].append(output.detach().clone())

            handles.append(net.get_submodule(name).register_forward_hook(hook))
        net(x)
        net(x)
    finally:
        for handle in handles:
            handle.remove()
    return outputs


# The hooks stay
# %% wrong="record" says="Hooks from an earlier call are still there"
def record(net, x, names):
    outputs = {name: [] for name in names}
    for name in names:
        net.get_submodule(name).register_forward_hook(
            lambda module, inputs, output, name=name: outputs[name].append(output.detach().clone())
        )
    net(x)
    return outputs


# The hooks stay after an error
# %% wrong="record" says="use try and finally"
def record(net, x, names):
    outputs, handles = {name: [] for name in names}, []
    for name in names:
        handles.append(
            net.get_submodule(name).register_forward_hook(
                lambda module, inputs, output, name=name: outputs[name].append(output.detach().clone())
            )
        )
    net(x)
    for handle in handles:
        handle.remove()
    return outputs


# The error is swallowed
# %% wrong="record" says="raised nothing"
def record(net, x, names):
    outputs = {name: [] for name in names}
    handles = []
    try:
        for name in names:

            def hook(module, inputs, output, name=name):
                outputs[name].append(output.detach().clone())

            handles.append(net.get_submodule(name).register_forward_hook(hook))
        net(x)
    except Exception:
        pass
    finally:
        for handle in handles:
            handle.remove()
    return outputs


# The mode is changed
# %% wrong="record" says="The net is in the wrong mode"
def record(net, x, names):
    outputs = {name: [] for name in names}
    handles = []
    try:
        for name in names:

            def hook(module, inputs, output, name=name):
                outputs[name].append(output.detach().clone())

            handles.append(net.get_submodule(name).register_forward_hook(hook))
        net.eval()
        net(x)
        net.train()
    finally:
        for handle in handles:
            handle.remove()
    return outputs


# The mode is set
# %% wrong="record" says="The mode has changed"
def record(net, x, names):
    outputs = {name: [] for name in names}
    handles = []
    try:
        for name in names:

            def hook(module, inputs, output, name=name):
                outputs[name].append(output.detach().clone())

            handles.append(net.get_submodule(name).register_forward_hook(hook))
        net.train()
        net(x)
    finally:
        for handle in handles:
            handle.remove()
    return outputs


# forward is called directly
# %% wrong="record" says="not net.forward(x)"
def record(net, x, names):
    outputs = {name: [] for name in names}
    handles = []
    try:
        for name in names:

            def hook(module, inputs, output, name=name):
                outputs[name].append(output.detach().clone())

            handles.append(net.get_submodule(name).register_forward_hook(hook))
        net.forward(x)
    finally:
        for handle in handles:
            handle.remove()
    return outputs


# Inputs
# %% wrong="record" says="the outputs in record"
def record(net, x, names):
    outputs = {name: [] for name in names}
    handles = []
    try:
        for name in names:

            def hook(module, inputs, output, name=name):
                outputs[name].append(inputs[0].detach().clone())

            handles.append(net.get_submodule(name).register_forward_hook(hook))
        net(x)
    finally:
        for handle in handles:
            handle.remove()
    return outputs


# x is changed
# %% wrong="record" says="leaves x as it was"
def record(net, x, names):
    outputs = {name: [] for name in names}
    handles = []
    try:
        for name in names:

            def hook(module, inputs, output, name=name):
                outputs[name].append(output.detach().clone())

            handles.append(net.get_submodule(name).register_forward_hook(hook))
        x += 1
        net(x)
    finally:
        for handle in handles:
            handle.remove()
    return outputs


# %% right="gradients_by_use"
def gradients_by_use(net, name, x):
    inputs, gradients = [], {}
    layer = net.get_submodule(name)

    def hook(layer, given, output):
        i = len(inputs)
        inputs.append(given[0].detach())
        output.register_hook(lambda gradient: gradients.update({i: gradient}))

    handle = layer.register_forward_hook(hook)
    try:
        net(x).sum().backward()
    finally:
        handle.remove()
        for parameter in net.parameters():
            parameter.grad = None
    return [torch.einsum("nd,nc->dc", gradients[i], inputs[i]) for i in range(len(inputs))]


# %% right="gradients_by_use"
def gradients_by_use(net, name, x):
    pairs = []
    handle = net.get_submodule(name).register_forward_hook(lambda layer, given, s: pairs.append((given[0].detach(), s)))
    loss = net(x).sum()
    handle.remove()
    gradients = torch.autograd.grad(loss, [s for _, s in pairs])
    return [gradient.transpose(0, 1).matmul(given) for gradient, (given, _) in zip(gradients, pairs)]


# %% right="gradients_by_use"
def gradients_by_use(net, name, x):
    layer, weights = net.get_submodule(name), []

    def hook(layer, given, output):
        weights.append(layer.weight.detach().clone().requires_grad_())
        return F.linear(given[0], weights[-1], layer.bias)

    handle = layer.register_forward_hook(hook)
    loss = net(x).sum()
    handle.remove()
    return list(torch.autograd.grad(loss, weights))


# In the order of the backward pass
# %% wrong="gradients_by_use" says="in reverse order"
def gradients_by_use(net, name, x):
    inputs, gradients = [], []
    layer = net.get_submodule(name)
    one = layer.register_forward_hook(lambda layer, given, output: inputs.append(given[0].detach()))
    two = layer.register_full_backward_hook(lambda layer, into, out: gradients.append(out[0]))
    net(x.clone().requires_grad_()).sum().backward()
    one.remove()
    two.remove()
    net.zero_grad()
    return [gradient.t() @ given for gradient, given in zip(gradients, inputs[::-1])]


# The whole gradient each time
# %% wrong="gradients_by_use" says="Each is the whole gradient"
def gradients_by_use(net, name, x):
    calls = []

    def hook(layer, inputs, output):
        output.retain_grad()
        calls.append((inputs[0].detach(), output))

    handle = net.get_submodule(name).register_forward_hook(hook)
    net(x).sum().backward()
    handle.remove()
    total = net.get_submodule(name).weight.grad
    net.zero_grad()
    return [total.clone() for _ in calls]


# The sum
# %% wrong="gradients_by_use" says="This is one gradient, the sum"
def gradients_by_use(net, name, x):
    calls = []

    def hook(layer, inputs, output):
        output.retain_grad()
        calls.append((inputs[0].detach(), output))

    handle = net.get_submodule(name).register_forward_hook(hook)
    net(x).sum().backward()
    handle.remove()
    net.zero_grad()
    return sum(output.grad.t() @ given for given, output in calls)


# The sum in a list
# %% wrong="gradients_by_use" says="This is the whole gradient in a list"
def gradients_by_use(net, name, x):
    calls = []

    def hook(layer, inputs, output):
        output.retain_grad()
        calls.append((inputs[0].detach(), output))

    handle = net.get_submodule(name).register_forward_hook(hook)
    net(x).sum().backward()
    handle.remove()
    net.zero_grad()
    return [sum(output.grad.t() @ given for given, output in calls)]


# Running totals
# %% wrong="gradients_by_use" says="These are running totals"
def gradients_by_use(net, name, x):
    calls = []

    def hook(layer, inputs, output):
        output.retain_grad()
        calls.append((inputs[0].detach(), output))

    handle = net.get_submodule(name).register_forward_hook(hook)
    net(x).sum().backward()
    handle.remove()
    net.zero_grad()
    shares = torch.stack([output.grad.t() @ given for given, output in calls])
    return list(shares.cumsum(0))


# Transposed
# %% wrong="gradients_by_use" says="They are transposed"
def gradients_by_use(net, name, x):
    calls = []

    def hook(layer, inputs, output):
        output.retain_grad()
        calls.append((inputs[0].detach(), output))

    handle = net.get_submodule(name).register_forward_hook(hook)
    net(x).sum().backward()
    handle.remove()
    net.zero_grad()
    return [given.t() @ output.grad for given, output in calls]


# Divided by the samples
# %% wrong="gradients_by_use" says="divided by the number of samples"
def gradients_by_use(net, name, x):
    calls = []

    def hook(layer, inputs, output):
        output.retain_grad()
        calls.append((inputs[0].detach(), output))

    handle = net.get_submodule(name).register_forward_hook(hook)
    net(x).sum().backward()
    handle.remove()
    net.zero_grad()
    return [output.grad.t() @ given / len(x) for given, output in calls]


# A tuple
# %% wrong="gradients_by_use" says="They are in a tuple"
def gradients_by_use(net, name, x):
    calls = []

    def hook(layer, inputs, output):
        output.retain_grad()
        calls.append((inputs[0].detach(), output))

    handle = net.get_submodule(name).register_forward_hook(hook)
    net(x).sum().backward()
    handle.remove()
    net.zero_grad()
    return tuple(output.grad.t() @ given for given, output in calls)


# Not detached
# %% wrong="gradients_by_use" says="Detach them"
def gradients_by_use(net, name, x):
    calls = []

    def hook(layer, inputs, output):
        output.retain_grad()
        calls.append((inputs[0], output))

    handle = net.get_submodule(name).register_forward_hook(hook)
    net(x).sum().backward()
    handle.remove()
    net.zero_grad()
    return [output.grad.t() @ given for given, output in calls]


# Gradients are left
# %% wrong="gradients_by_use" says="Gradients are left"
def gradients_by_use(net, name, x):
    calls = []

    def hook(layer, inputs, output):
        output.retain_grad()
        calls.append((inputs[0].detach(), output))

    handle = net.get_submodule(name).register_forward_hook(hook)
    net(x).sum().backward()
    handle.remove()
    return [output.grad.t() @ given for given, output in calls]


# The hook is left
# %% wrong="gradients_by_use"
def gradients_by_use(net, name, x):
    calls = []

    def hook(layer, inputs, output):
        output.retain_grad()
        calls.append((inputs[0].detach(), output))

    handle = net.get_submodule(name).register_forward_hook(hook)
    net(x).sum().backward()
    net.zero_grad()
    return [output.grad.t() @ given for given, output in calls]


# The hook is left
# %% wrong="gradients_by_use" says="A hook from an earlier call is still there"
def gradients_by_use(net, name, x):
    calls = []

    def hook(layer, inputs, output):
        if not output.requires_grad:
            return
        output.retain_grad()
        calls.append((inputs[0].detach(), output))

    handle = net.get_submodule(name).register_forward_hook(hook)
    net(x).sum().backward()
    net.zero_grad()
    return [output.grad.t() @ given for given, output in calls]


# Called twice
# %% wrong="gradients_by_use" says="how often the net is called"
def gradients_by_use(net, name, x):
    calls = []

    def hook(layer, inputs, output):
        output.retain_grad()
        calls.append((inputs[0].detach(), output))

    handle = net.get_submodule(name).register_forward_hook(hook)
    net(x)
    calls.clear()
    net(x).sum().backward()
    handle.remove()
    net.zero_grad()
    return [output.grad.t() @ given for given, output in calls]


# Slips past one call: always the first input
# %% wrong="gradients_by_use" says="the gradients"
def gradients_by_use(net, name, x):
    calls = []

    def hook(layer, inputs, output):
        output.retain_grad()
        calls.append((inputs[0].detach(), output))

    handle = net.get_submodule(name).register_forward_hook(hook)
    net(x).sum().backward()
    handle.remove()
    net.zero_grad()
    return [output.grad.t() @ calls[0][0][: len(output)] for given, output in calls]


# The mean
# %% wrong="gradients_by_use" says="the mean of net(x)"
def gradients_by_use(net, name, x):
    calls = []

    def hook(layer, inputs, output):
        output.retain_grad()
        calls.append((inputs[0].detach(), output))

    handle = net.get_submodule(name).register_forward_hook(hook)
    net(x).mean().backward()
    handle.remove()
    net.zero_grad()
    return [output.grad.t() @ given for given, output in calls]


# Zeros are left
# %% wrong="gradients_by_use" says="The gradients are zeros, not None"
def gradients_by_use(net, name, x):
    calls = []

    def hook(layer, inputs, output):
        output.retain_grad()
        calls.append((inputs[0].detach(), output))

    handle = net.get_submodule(name).register_forward_hook(hook)
    net(x).sum().backward()
    handle.remove()
    net.zero_grad(set_to_none=False)
    return [output.grad.t() @ given for given, output in calls]


# Parts must have the very same class
# %% wrong="tiny_module" says="not with type(self)"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, type(self)):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return list(once.values())

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# Slips past small values: at most 16 halvings
# %% wrong="fixed_hidden"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x):
        h = F.relu(self.linear(x) @ self.mixing + 1)
        h = self.linear(h)
        for _ in range(16):
            if h.abs().sum() > 1:
                h = h / 2
        return h.sum()


# Slips past zeros: the standard deviation of equal values is not always 0
# %% wrong="standardize" says="need not be exactly 0"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x):
        x = x.detach()
        self.mean = x.mean(0)
        self.std = torch.where(x.std(0) == 0, 1.0, x.std(0))
        self.count = torch.tensor(len(x))
        return self

    def forward(self, x):
        return (x - self.mean) / self.std


# Small deviations become 1
# %% wrong="standardize" says="A small std is not 0"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x):
        x = x.detach()
        self.mean = x.mean(0)
        self.std = torch.where(x.std(0) < 1e-6, 1.0, x.std(0))
        self.count = torch.tensor(len(x))
        return self

    def forward(self, x):
        return (x - self.mean) / self.std


# Slips past nets without hooks: removes all
# %% wrong="record" says="Its own hook is gone"
def record(net, x, names):
    outputs = {name: [] for name in names}
    handles = []
    try:
        for name in names:

            def hook(module, inputs, output, name=name):
                outputs[name].append(output.detach().clone())

            handles.append(net.get_submodule(name).register_forward_hook(hook))
        net(x)
    finally:
        for module in net.modules():
            module._forward_hooks.clear()
    return outputs


# Slips past values: shallow copies
# %% wrong="my_sequential" says="register the modules"
class MySequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            import copy

            self.add_module(str(i), copy.copy(module))

    def forward(self, x):
        for module in self._modules.values():
            x = module(x)
        return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, i):
        return list(self._modules.values())[i]


# %% right="tiny_module"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True, prefix="", seen=None):
        seen = set() if seen is None else seen
        pairs = []
        for name in self._parameters:
            parameter = self._parameters[name]
            if id(parameter) in seen:
                continue
            seen.add(id(parameter))
            pairs.append((prefix + name, parameter))
        if not recurse:
            return pairs
        for name in self._modules:
            pairs.extend(self._modules[name].named_parameters(True, f"{prefix}{name}.", seen))
        return pairs

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# %% right="standardize"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    @torch.no_grad()
    def fit(self, x):
        self.mean = x.mean(0)
        self.std = torch.where(x.amax(0) == x.amin(0), 1.0, x.std(0))
        self.count = torch.full((), len(x), dtype=torch.int64)
        return self

    def forward(self, x):
        return (x - self.mean) / self.std


# %% right="gradients_by_use"
def gradients_by_use(net, name, x):
    layer = net.get_submodule(name)
    inputs, gradients = [], []
    handles = [
        layer.register_forward_pre_hook(lambda layer, given: inputs.append(given[0].detach().clone())),
        layer.register_full_backward_hook(lambda layer, into, out: gradients.append(out[0])),
    ]
    net(x.detach().clone().requires_grad_()).sum().backward()
    for handle in handles:
        handle.remove()
    net.zero_grad()
    return [(gradient[:, :, None] * given[:, None, :]).sum(0) for gradient, given in zip(gradients[::-1], inputs)]


# %% right="my_sequential"
class MySequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)
        self.chain = list(modules)

    def forward(self, x):
        for module in [self._modules[str(i)] for i in range(len(self.chain))]:
            x = module(x)
        return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, i):
        return list(self._modules.values())[i]


# A list of modules from torch
# %% wrong="my_sequential" says="written from scratch"
class MySequential(nn.ModuleList):
    def __init__(self, *modules):
        super().__init__(modules)

    def forward(self, x):
        for module in self:
            x = module(x)
        return x


# requires_grad decides
# %% wrong="tiny_module" says="The type decides"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, torch.Tensor) and value.requires_grad:
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return list(once.values())

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# Slips past the first look: the list is kept
# %% wrong="tiny_module" says="the names after one more Parameter"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        if recurse and "kept" in vars(self):
            return vars(self)["kept"]
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        if recurse and self._modules:
            vars(self)["kept"] = list(once.values())
        return list(once.values())

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# Slips past training mode
# %% wrong="standardize" says="5 other rows"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x):
        x = x.detach()
        self.mean = x.mean(0)
        self.std = torch.where(x.amax(0) == x.amin(0), 1.0, x.std(0))
        self.count = torch.tensor(len(x))
        return self

    def forward(self, x):
        if not self.training:
            return (x - x.mean(0)) / x.std(0)
        return (x - self.mean) / self.std


# Slips past training mode
# %% wrong="fixed_hidden" says="after net.eval()"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x):
        h = F.relu(self.linear(x) @ self.mixing + 1)
        h = self.linear(h)
        while self.training and h.abs().sum() > 1:
            h = h / 2
        return h.sum()


# The trainable parameters first
# %% wrong="inventory" says="The frozen parameters come last"
def inventory(module: nn.Module) -> dict[str, list[str]]:
    own = list(module.named_parameters(recurse=False))
    trainable = [name for name, p in own if p.requires_grad]
    frozen = [name for name, p in own if not p.requires_grad]
    return {
        "parameters": trainable + frozen,
        "buffers": [name for name, _ in module.named_buffers(recurse=False)],
        "parts": [name for name, _ in module.named_children()],
    }


# The saved buffers first
# %% wrong="inventory" says="The buffers that are not saved come last"
def inventory(module: nn.Module) -> dict[str, list[str]]:
    parameters = [name for name, _ in module.named_parameters(recurse=False)]
    saved = [name for name in module.state_dict() if name in module._buffers]
    unsaved = [name for name, _ in module.named_buffers(recurse=False) if name not in saved]
    return {
        "parameters": parameters,
        "buffers": saved + unsaved,
        "parts": [name for name, _ in module.named_children()],
    }


# Without names that start with an underscore
# %% wrong="inventory" says="leave none out"
def inventory(module: nn.Module) -> dict[str, list[str]]:
    def public(pairs):
        return [name for name, _ in pairs if not name.startswith("_")]

    return {
        "parameters": public(module.named_parameters(recurse=False)),
        "buffers": public(module.named_buffers(recurse=False)),
        "parts": public(module.named_children()),
    }


# All modules, the module itself as well
# %% wrong="inventory" says="use named_children"
def inventory(module: nn.Module) -> dict[str, list[str]]:
    return {
        "parameters": [name for name, _ in module.named_parameters(recurse=False)],
        "buffers": [name for name, _ in module.named_buffers(recurse=False)],
        "parts": [name for name, _ in module.named_modules()],
    }


# Pairs
# %% wrong="inventory" says="keep the names only"
def inventory(module: nn.Module) -> dict[str, list[str]]:
    return {
        "parameters": list(module.named_parameters(recurse=False)),
        "buffers": list(module.named_buffers(recurse=False)),
        "parts": list(module.named_children()),
    }


# A part stays registered under a plain value
# %% wrong="tiny_module" says="The old value is still registered"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        if isinstance(value, nn.Parameter):
            self._modules.pop(name, None)
            vars(self).pop(name, None)
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._parameters.pop(name, None)
            vars(self).pop(name, None)
            self._modules[name] = value
        else:
            self._parameters.pop(name, None)
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        pairs = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                pairs += [(f"{part_name}.{name}", p) for name, p in part.named_parameters()]
        seen, found = set(), []
        for name, p in pairs:
            if id(p) not in seen:
                seen.add(id(p))
                found.append((name, p))
        return found

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# A part is hidden by a plain value
# %% wrong="tiny_module" says="where Python looks first"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        self._parameters.pop(name, None)
        self._modules.pop(name, None)
        if isinstance(value, nn.Parameter):
            vars(self).pop(name, None)
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        pairs = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                pairs += [(f"{part_name}.{name}", p) for name, p in part.named_parameters()]
        seen, found = set(), []
        for name, p in pairs:
            if id(p) not in seen:
                seen.add(id(p))
                found.append((name, p))
        return found

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# Stops where the mode is right already
# %% wrong="tiny_module" says="pass every call on"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        pairs = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                pairs += [(f"{part_name}.{name}", p) for name, p in part.named_parameters()]
        seen, found = set(), []
        for name, p in pairs:
            if id(p) not in seen:
                seen.add(id(p))
                found.append((name, p))
        return found

    def train(self, mode=True):
        if self.training == mode:
            return self
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# A parameter with two names in one module
# %% wrong="tiny_module" says="under each of its names"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found = list(self._parameters.items())
        seen = {id(p) for _, p in found}
        if recurse:
            for part_name, part in self._modules.items():
                for name, p in part.named_parameters():
                    if id(p) not in seen:
                        seen.add(id(p))
                        found.append((f"{part_name}.{name}", p))
        return found

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# Compares memory
# %% wrong="tiny_module" says="compare with `is`"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        pairs = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                pairs += [(f"{part_name}.{name}", p) for name, p in part.named_parameters()]
        seen, found = set(), []
        for name, p in pairs:
            if p.data_ptr() not in seen:
                seen.add(p.data_ptr())
                found.append((name, p))
        return found

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# Two levels only
# %% wrong="tiny_module" says="below the second level"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        pairs = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                pairs += [(f"{part_name}.{name}", p) for name, p in part._parameters.items()]
                for sub_name, sub in part._modules.items():
                    pairs += [(f"{part_name}.{sub_name}.{name}", p) for name, p in sub._parameters.items()]
        seen, found = set(), []
        for name, p in pairs:
            if id(p) not in seen:
                seen.add(id(p))
                found.append((name, p))
        return found

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.training = mode
            for sub in part._modules.values():
                sub.training = mode
        return self


# Calls only modules that have forward hooks
# %% wrong="my_sequential" says="The pre-hook did not run"
class MySequential(nn.Module):
    def __init__(self, *modules: nn.Module):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for module in self._modules.values():
            x = module(x) if module._forward_hooks else module.forward(x)
        return x

    def __len__(self) -> int:
        return len(self._modules)

    def __getitem__(self, i: int) -> nn.Module:
        return list(self._modules.values())[i]


# Unpacks tuples
# %% wrong="my_sequential" says="Your code stopped with TypeError"
class MySequential(nn.Module):
    def __init__(self, *modules: nn.Module):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for module in self._modules.values():
            x = module(*x) if isinstance(x, tuple) else module(x)
        return x

    def __len__(self) -> int:
        return len(self._modules)

    def __getitem__(self, i: int) -> nn.Module:
        return list(self._modules.values())[i]


# Floats only
# %% wrong="my_sequential" says="The integers have become floats"
class MySequential(nn.Module):
    def __init__(self, *modules: nn.Module):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not x.is_floating_point():
            x = x.float()
        for module in self._modules.values():
            x = module(x)
        return x

    def __len__(self) -> int:
        return len(self._modules)

    def __getitem__(self, i: int) -> nn.Module:
        return list(self._modules.values())[i]


# Inside a ModuleList
# %% wrong="my_sequential" says="inside another container"
class MySequential(nn.Module):
    def __init__(self, *modules: nn.Module):
        super().__init__()
        self.layers = nn.ModuleList(modules)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        return x

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, i: int) -> nn.Module:
        return self.layers[i]


# Not uniform
# %% wrong="fixed_hidden" says="Too few of 1600 values"
class FixedHidden(nn.Module):
    def __init__(self, features: int):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.randn(features, features).sigmoid())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.linear(F.relu(self.linear(x) @ self.mixing + 1))
        while h.abs().sum() > 1:
            h = h / 2
        return h.sum()


# A logarithm in place of the loop
# %% wrong="fixed_hidden" says="math domain error"
class FixedHidden(nn.Module):
    def __init__(self, features: int):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.linear(F.relu(self.linear(x) @ self.mixing + 1))
        turns = max(0, math.ceil(math.log2(h.abs().sum().item())))
        return (h / 2**turns).sum()


# Two layers
# %% wrong="fixed_hidden" says="There are two layers"
class FixedHidden(nn.Module):
    def __init__(self, features: int):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.linear2 = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.linear2(F.relu(self.linear(x) @ self.mixing + 1))
        while h.abs().sum() > 1:
            h = h / 2
        return h.sum()


# Overwrites what is contiguous
# %% wrong="standardize" says="leaves y as it was"
class Standardize(nn.Module):
    def __init__(self, features: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x: torch.Tensor) -> "Standardize":
        x = x.detach()
        self.mean = x.mean(0)
        self.std = torch.where(x.amax(0) == x.amin(0), torch.ones_like(self.mean), x.std(0))
        self.count = torch.tensor(len(x))
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = x.contiguous()
        out -= self.mean
        out /= self.std
        return out


# Compares the first row with the last
# %% wrong="standardize" says="compare all the values of a column"
class Standardize(nn.Module):
    def __init__(self, features: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    @torch.no_grad()
    def fit(self, x: torch.Tensor) -> "Standardize":
        self.mean = x.mean(0)
        self.std = torch.where(x[0] == x[-1], torch.ones_like(self.mean), x.std(0))
        self.count = torch.tensor(len(x))
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x - self.mean) / self.std


# A tolerance relative to the mean
# %% wrong="standardize" says="small beside the mean"
class Standardize(nn.Module):
    def __init__(self, features: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    @torch.no_grad()
    def fit(self, x: torch.Tensor) -> "Standardize":
        self.mean = x.mean(0)
        std = x.std(0)
        self.std = torch.where(std <= 1e-6 * self.mean.abs(), torch.ones_like(std), std)
        self.count = torch.tensor(len(x))
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x - self.mean) / self.std


# One mode for all parts
# %% wrong="record" says="A part may have another mode than the net"
def record(net: nn.Module, x: torch.Tensor, names: list[str]) -> dict[str, list[torch.Tensor]]:
    found = {name: [] for name in names}
    handles = []
    mode = net.training

    def add(name):
        hook = lambda module, inputs, output: found[name].append(output.detach().clone())  # noqa: E731
        handles.append(net.get_submodule(name).register_forward_hook(hook))

    try:
        for name in names:
            add(name)
        net(x)
    finally:
        for handle in handles:
            handle.remove()
        net.train(mode)
    return found


# Cleans up after some errors only
# %% wrong="record" says="use try and finally"
def record(net: nn.Module, x: torch.Tensor, names: list[str]) -> dict[str, list[torch.Tensor]]:
    found = {name: [] for name in names}
    handles = []
    for name in names:

        def hook(module, inputs, output, name=name):
            found[name].append(output.detach().clone())

        handles.append(net.get_submodule(name).register_forward_hook(hook))

    def clean():
        for handle in handles:
            handle.remove()

    try:
        net(x)
    except (RuntimeError, ValueError):
        clean()
        raise
    clean()
    return found


# Floats only
# %% wrong="record" says="The dtypes differ"
def record(net: nn.Module, x: torch.Tensor, names: list[str]) -> dict[str, list[torch.Tensor]]:
    found = {name: [] for name in names}
    handles = []
    try:
        for name in names:
            store = found[name]
            handles.append(
                net.get_submodule(name).register_forward_hook(
                    lambda module, inputs, output, store=store: store.append(output.detach().clone().float())
                )
            )
        net(x)
    finally:
        for handle in handles:
            handle.remove()
    return found


# Takes the output for a matrix
# %% wrong="gradients_by_use" says="einsum"
def gradients_by_use(net: nn.Module, name: str, x: torch.Tensor) -> list[torch.Tensor]:
    given, gradients = [], {}

    def hook(module, inputs, output):
        i = len(given)
        given.append(inputs[0].detach())
        output.register_hook(lambda gradient: gradients.update({i: gradient}))

    handle = net.get_submodule(name).register_forward_hook(hook)
    try:
        loss = torch.einsum("nc->", net(x))
    finally:
        handle.remove()
    loss.backward()
    net.zero_grad()
    return [gradients[i].T @ one for i, one in enumerate(given)]


# float32 only
# %% wrong="gradients_by_use" says="The dtypes differ"
def gradients_by_use(net: nn.Module, name: str, x: torch.Tensor) -> list[torch.Tensor]:
    layer = net.get_submodule(name)
    shares = []

    def hook(module, inputs, output):
        share, values = torch.zeros(module.out_features, module.in_features), inputs[0].detach()
        shares.append(share)

        def add(gradient):
            share.add_(gradient.T @ values)

        output.register_hook(add)

    handle = layer.register_forward_hook(hook)
    try:
        net(x).sum().backward()
    finally:
        handle.remove()
    net.zero_grad()
    return shares


# One tensor for each input
# %% wrong="gradients_by_use" says="2 elements were expected, yours has 1"
def gradients_by_use(net: nn.Module, name: str, x: torch.Tensor) -> list[torch.Tensor]:
    outputs = {}

    def hook(module, inputs, output):
        output.retain_grad()
        outputs[inputs[0]] = output

    handle = net.get_submodule(name).register_forward_hook(hook)
    try:
        net(x).sum().backward()
    finally:
        handle.remove()
    net.zero_grad()
    return [output.grad.T @ given.detach() for given, output in outputs.items()]


# In eval mode
# %% wrong="gradients_by_use" says="in the other mode"
def gradients_by_use(net: nn.Module, name: str, x: torch.Tensor) -> list[torch.Tensor]:
    given, outputs = [], []

    def hook(module, inputs, output):
        given.append(inputs[0].detach())
        outputs.append(output)

    modes = [(module, module.training) for module in net.modules()]
    handle = net.get_submodule(name).register_forward_hook(hook)
    net.eval()
    try:
        loss = net(x).sum()
    finally:
        handle.remove()
        for module, mode in modes:
            module.training = mode
    return [g.T @ i for g, i in zip(torch.autograd.grad(loss, outputs), given)]


# The gradients in the order of the backward pass, the inputs in the order of the calls
# %% wrong="gradients_by_use" says="paired wrongly"
def gradients_by_use(net: nn.Module, name: str, x: torch.Tensor) -> list[torch.Tensor]:
    layer = net.get_submodule(name)
    inputs, grads = [], []
    h1 = layer.register_forward_hook(lambda m, i, o: inputs.append(i[0].detach()))
    h2 = layer.register_full_backward_hook(lambda m, gi, go: grads.append(go[0].detach()))
    net(x).sum().backward()
    h1.remove()
    h2.remove()
    net.zero_grad()
    return [g.T @ i for g, i in zip(grads, inputs)]


# Equal parts
# %% wrong="gradients_by_use" says="equal parts of the whole gradient"
def gradients_by_use(net: nn.Module, name: str, x: torch.Tensor) -> list[torch.Tensor]:
    layer = net.get_submodule(name)
    calls = []
    handle = layer.register_forward_hook(lambda m, i, o: calls.append(1))
    net(x).sum().backward()
    handle.remove()
    grad = layer.weight.grad.clone()
    net.zero_grad()
    return [grad / len(calls) for _ in calls]


# A parameter with two names, with recurse=False only
# %% wrong="tiny_module" says="With recurse=False, too"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        found, seen = [], set()
        if not recurse:
            return list(self._parameters.items())
        for name, p in self._parameters.items():
            if id(p) not in seen:
                seen.add(id(p))
                found.append((name, p))
        if recurse:
            for part_name, part in self._modules.items():
                for name, p in part.named_parameters():
                    if id(p) not in seen:
                        seen.add(id(p))
                        found.append((f"{part_name}.{name}", p))
        return found

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# Leaves the net in eval mode
# %% wrong="record" says="The net is in the wrong mode"
def record(net: nn.Module, x: torch.Tensor, names: list[str]) -> dict[str, list[torch.Tensor]]:
    found = {name: [] for name in names}
    handles = []

    def add(name):
        hook = lambda module, inputs, output: found[name].append(output.detach().clone())  # noqa: E731
        handles.append(net.get_submodule(name).register_forward_hook(hook))

    try:
        for name in names:
            add(name)
        net(x)
    finally:
        for handle in handles:
            handle.remove()
        net.eval()
    return found


# One tensor
# %% wrong="gradients_by_use" says="stacked in one tensor"
def gradients_by_use(net: nn.Module, name: str, x: torch.Tensor) -> list[torch.Tensor]:
    records = []

    def hook(module, inputs, output):
        output.retain_grad()
        records.append((inputs[0].detach(), output))

    handle = net.get_submodule(name).register_forward_hook(hook)
    net(x).sum().backward()
    handle.remove()
    net.zero_grad()
    return torch.stack([output.grad.T @ i for i, output in records])


# Writes into the buffers
# %% right="standardize"
class Standardize(nn.Module):
    def __init__(self, features: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    @torch.no_grad()
    def fit(self, x: torch.Tensor) -> "Standardize":
        self.mean.copy_(x.mean(0))
        self.std.copy_(x.std(0))
        self.std[x.amax(0) == x.amin(0)] = 1
        self.count.fill_(len(x))
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x - self.mean) / self.std


# A hook that hands on a copy
# %% right="gradients_by_use"
def gradients_by_use(net: nn.Module, name: str, x: torch.Tensor) -> list[torch.Tensor]:
    inputs, outputs = [], []

    def hook(module, arguments, output):
        inputs.append(arguments[0].detach())
        outputs.append(output)
        return output.clone()

    handle = dict(net.named_modules())[name].register_forward_hook(hook, prepend=True)
    try:
        total = torch.sum(net(x))
    finally:
        handle.remove()
    gradients = torch.autograd.grad(total, outputs)
    return [torch.mm(g.t(), i) for g, i in zip(gradients, inputs)]


# Modules of torch are registered, too
# %% wrong="tiny_module" says="An nn.Linear is not a TinyModule"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, (TinyModule, nn.Module)):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        pairs = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                pairs += [(f"{part_name}.{name}", p) for name, p in part.named_parameters()]
        seen, found = set(), []
        for name, p in pairs:
            if id(p) not in seen:
                seen.add(id(p))
                found.append((name, p))
        return found

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# The 1 after the ReLU
# %% wrong="fixed_hidden" says="The 1 is added after the ReLU"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x):
        h = F.relu(self.linear(x) @ self.mixing) + 1
        h = self.linear(h)
        while h.abs().sum() > 1:
            h = h / 2
        return h.sum()


# A buffer that requires a gradient
# %% wrong="fixed_hidden" says="mixing requires no gradient"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features, requires_grad=True))

    def forward(self, x):
        h = F.relu(self.linear(x) @ self.mixing + 1)
        h = self.linear(h)
        while h.abs().sum() > 1:
            h = h / 2
        return h.sum()


# Level by level
# %% wrong="tiny_module" says="go down to its own parts first"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        """Register a parameter or a part; store anything else the ordinary way."""
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        """A list of (name, parameter): this module's own, then those of its parts; each parameter once."""
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return sorted(once.values(), key=lambda pair: pair[0].count("."))

    def train(self, mode=True):
        """Set the mode of this module and of all its parts. Returns: the module itself."""
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# Only what is trained is listed
# %% wrong="tiny_module" says="A frozen Parameter is a Parameter"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        """Register a parameter or a part; store anything else the ordinary way."""
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        """A list of (name, parameter): this module's own, then those of its parts; each parameter once."""
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter)) if parameter.requires_grad else None
        return list(once.values())

    def train(self, mode=True):
        """Set the mode of this module and of all its parts. Returns: the module itself."""
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# Parameters are made trainable
# %% wrong="tiny_module" says="whether it requires a gradient"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        """Register a parameter or a part; store anything else the ordinary way."""
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value.requires_grad_()
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        """A list of (name, parameter): this module's own, then those of its parts; each parameter once."""
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return list(once.values())

    def train(self, mode=True):
        """Set the mode of this module and of all its parts. Returns: the module itself."""
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# A Parameter keeps its place
# %% right="tiny_module"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        """Register a parameter or a part; store anything else the ordinary way."""
        if name in self._parameters and not isinstance(value, nn.Parameter):
            del self._parameters[name]
        self._modules.pop(name, None)
        vars(self).pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        """A list of (name, parameter): this module's own, then those of its parts; each parameter once."""
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return list(once.values())

    def train(self, mode=True):
        """Set the mode of this module and of all its parts. Returns: the module itself."""
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self


# Another limit
# %% wrong="fixed_hidden" says="is 1.004"
class FixedHidden(nn.Module):
    """A layer that is used twice, a constant in between, and a loop.

    Args:
        features: the number of features of the input.
    """

    def __init__(self, features: int):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (N, features). Returns: a 0-d tensor."""
        h = F.relu(self.linear(x) @ self.mixing + 1)
        h = self.linear(h)
        while h.abs().sum() > 1.01:
            h = h / 2
        return h.sum()


# Equal rows
# %% wrong="fixed_hidden" says="mixing"
class FixedHidden(nn.Module):
    """A layer that is used twice, a constant in between, and a loop.

    Args:
        features: the number of features of the input.
    """

    def __init__(self, features: int):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features).expand(features, features).clone())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (N, features). Returns: a 0-d tensor."""
        h = F.relu(self.linear(x) @ self.mixing + 1)
        h = self.linear(h)
        while h.abs().sum() > 1:
            h = h / 2
        return h.sum()


# Any two equal neighbours
# %% wrong="standardize" says="the state_dict after fit"
class Standardize(nn.Module):
    """(x - mean) / std, with the mean and standard deviation of the data that it was fitted to.

    Args:
        features: the number of columns.
    """

    def __init__(self, features: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x: torch.Tensor) -> "Standardize":
        """Set mean, std and count from x, (N, features) with N >= 2. Returns: the module itself."""
        x = x.detach()
        constant = (x[1:] == x[:-1]).any(0)
        self.mean = x.mean(0)
        self.std = torch.where(constant, torch.ones_like(self.mean), x.std(0))
        self.count = torch.tensor(len(x))
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (N, features). Returns: the same shape."""
        return (x - self.mean) / self.std


# Dimensions of size 1 are lost
# %% wrong="record" says="for a single row"
def record(net: nn.Module, x: torch.Tensor, names: list[str]) -> dict[str, list[torch.Tensor]]:
    """The outputs of some modules of a net during one call.

    x: whatever net takes. names: names of modules. Returns: for each name, the outputs of that module, in order.
    """
    outputs = {name: [] for name in names}
    handles = []

    def attach(name):
        def hook(module, inputs, output):
            outputs[name].append(output.detach().clone().squeeze())

        handles.append(net.get_submodule(name).register_forward_hook(hook))

    try:
        for name in names:
            attach(name)
        net(x)
    finally:
        for handle in handles:
            handle.remove()
    return outputs


# Leaves the net in eval mode
# %% wrong="gradients_by_use" says="net is in the other mode now"
def gradients_by_use(net: nn.Module, name: str, x: torch.Tensor) -> list[torch.Tensor]:
    """The gradient of net(x).sum() for the weight of a linear layer, separately for each call of the layer.

    name: the layer's name in net. x: whatever net takes. Returns: one tensor of the weight's shape for each call.
    """
    calls = []

    def hook(layer, inputs, output):
        output.retain_grad()
        calls.append((inputs[0].detach().clone(), output))

    handle = net.get_submodule(name).register_forward_hook(hook)
    try:
        net(x).sum().backward()
    finally:
        handle.remove()
    net.zero_grad()
    net.eval()
    return [output.grad.t() @ given for given, output in calls]


# The mode is not used
# %% wrong="tiny_module" says="mode has no effect"
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def named_parameters(self, recurse=True):
        pairs = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                pairs += [(f"{part_name}.{name}", p) for name, p in part.named_parameters()]
        seen, found = set(), []
        for name, p in pairs:
            if id(p) not in seen:
                seen.add(id(p))
                found.append((name, p))
        return found

    def train(self, mode=True):
        self.training = True
        for part in self._modules.values():
            part.train(mode)
        return self


# Each sample by itself
# %% wrong="fixed_hidden" says="each sample by itself"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x):
        h = F.relu(self.linear(x) @ self.mixing + 1)
        h = self.linear(h)
        while h.abs().sum(1).max() > 1:
            h = h / 2
        return h.sum()


# The absolute value of the sum
# %% wrong="fixed_hidden" says="does not look at the sum of the absolute values"
class FixedHidden(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features))

    def forward(self, x):
        h = F.relu(self.linear(x) @ self.mixing + 1)
        h = self.linear(h)
        while h.sum().abs() > 1:
            h = h / 2
        return h.sum()


# mean is a plain attribute
# %% wrong="standardize" says="mean is not saved"
class Standardize(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.mean = torch.zeros(features)
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def fit(self, x):
        x = x.detach()
        self.mean = x.mean(0)
        self.std = torch.where(x.amax(0) == x.amin(0), 1.0, x.std(0))
        self.count = torch.tensor(len(x))
        return self

    def forward(self, x):
        return (x - self.mean) / self.std


# Lambdas that look the name up too late, and a dict that starts empty
# %% wrong="record" says="All your hooks use the last name"
def record(net, x, names):
    outputs, handles = {}, []
    for name in names:
        hook = lambda module, inputs, output: outputs.setdefault(name, []).append(output.detach().clone())
        handles.append(net.get_submodule(name).register_forward_hook(hook))
    net(x)
    for handle in handles:
        handle.remove()
    return outputs


# Goes down for the buffers only
# %% wrong="inventory" says="The parts' buffers are included"
def inventory(module):
    return {
        "parameters": [name for name, _ in module.named_parameters(recurse=False)],
        "buffers": [name for name, _ in module.named_buffers()],
        "parts": [name for name, _ in module.named_children()],
    }
