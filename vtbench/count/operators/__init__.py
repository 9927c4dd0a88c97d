"""What operators cost: formulas on shapes, the table of rows, and the rule of each operator."""
