const fs = require("fs");
const text = "0".repeat(1 << 16);
for (;;) {
  fs.writeSync(1, text);
}
