# The service's image with libtorch for NVIDIA GPUs (CUDA 12.8), out of PyTorch's own image; docs/gpu.md, "In a container".
ARG SERVICE=resure-service:0.1.0
ARG TORCH=pytorch/pytorch:2.7.1-cuda12.8-cudnn9-runtime
FROM ${TORCH} AS torch
# Where that image has its Python packages: torch finds CUDA's libraries beside itself.
ARG PACKAGES=/opt/conda/lib/python3.11/site-packages
RUN mkdir -p /libtorch/torch /libtorch/nvidia \
    && cp -a ${PACKAGES}/torch/lib /libtorch/torch/lib \
    && if [ -d ${PACKAGES}/nvidia ]; then cp -a ${PACKAGES}/nvidia /libtorch/; fi \
    && rm -f /libtorch/torch/lib/libtorch_python.so

FROM ${SERVICE}
COPY --from=torch /libtorch /opt/libtorch
# The JNI library, 4 MB, is unpacked into DJL's directory at each start.
ENV PYTORCH_LIBRARY_PATH=/opt/libtorch/torch/lib \
    DJL_CACHE_DIR=/tmp/djl \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
