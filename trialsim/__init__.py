"""trialsim: a stochastic clinical-trial simulator for senotherapy."""

__version__ = "0.1.0"
