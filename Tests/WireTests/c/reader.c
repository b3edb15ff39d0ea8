/* usage: reader < RECORDING     prints the frames that one side of a connection sent, one line each */
#include "wire.h"

int main(void) {
    Frame frame;
    while (read_frame(STDIN_FILENO, &frame)) {
        print_frame(&frame);
        free(frame.payload);
    }
    return 0;
}
