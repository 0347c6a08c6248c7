# %% [markdown]
# # Right and wrong answers to the exercises of 16_capstone
#
