"""The command line, `stille`.

Options, one function a command and what is printed; runs import late, so that help is quick.
"""
