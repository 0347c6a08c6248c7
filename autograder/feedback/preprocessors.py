from nbgrader.preprocessors import NbGraderPreprocessor


class TellInWords(NbGraderPreprocessor):
    pass
