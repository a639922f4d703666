"""Measuring: accuracy, speed, memory and energy of recipes beside their teacher."""
