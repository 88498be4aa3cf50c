/* A program of more than a gigabyte, in a line. */
int data[1 << 28] = {1};

int main(void) { return data[0]; }
