# %% [markdown]
# Other answers to the exercises of `11_inside_module`: right ones that the checks must accept, wrong ones that they must
# reject with a message that leads to the mistake.
