/** How hard a symbol is to read: the lower, the better (ISO/IEC 18004, 8.8.2). */

/**
 * @param {boolean[][]} grid
 * @returns {number}
 */
export function penalty(grid) {
  const columns = grid.map((_, at) => grid.map((row) => row[at]));
  const lines = [...grid, ...columns];
  const alongLines = lines.reduce((sum, line) => sum + runs(line) + finderLookalikes(line), 0);
  return alongLines + squares(grid) + imbalance(grid);
}

/** @param {boolean[]} line */
function runs(line) {
  const lengths = text(line).match(/0{5,}|1{5,}/g) ?? [];
  return lengths.reduce((sum, run) => sum + run.length - 2, 0);
}

/** @param {boolean[]} line */
function finderLookalikes(line) {
  return 40 * [...text(line).matchAll(/(?=00001011101|10111010000)/g)].length;
}

/** @param {boolean[][]} grid */
function squares(grid) {
  let sum = 0;
  for (let row = 1; row < grid.length; row++) {
    for (let column = 1; column < grid.length; column++) {
      const colour = grid[row][column];
      const same = [grid[row - 1][column], grid[row][column - 1], grid[row - 1][column - 1]];
      if (same.every((each) => each === colour)) sum += 3;
    }
  }
  return sum;
}

/** @param {boolean[][]} grid */
function imbalance(grid) {
  const share = grid.flat().filter(Boolean).length / grid.length ** 2;
  return 10 * Math.floor(Math.abs(share - 0.5) * 20);
}

/** @param {boolean[]} line */
const text = (line) => line.map(Number).join("");
