const lines = require("fs").readFileSync(0, "utf8").split("\n");
for (const line of lines.filter((text) => text)) {
  const [a, b] = line.split(" ").map(BigInt);
  console.log(String(a < b ? b - a : a - b));
}
