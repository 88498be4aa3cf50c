const all = [];
for (;;) {
  all.push(Buffer.alloc(1 << 26, 1)); // little by little, V8 would look for garbage each time
}
