/* The pause program's bytes, as part of the daemon. */
    .section .rodata
    .global dockershimd_pause_binary
    .global dockershimd_pause_binary_end
dockershimd_pause_binary:
    .incbin PAUSE_BINARY
dockershimd_pause_binary_end:
    .section .note.GNU-stack,"",%progbits
