import ArgumentParser

import enum Torch.Device

extension Device: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }

  static let help = ArgumentHelp(
    "Where to compute: cpu, or cuda (cuda:1 for the second GPU) where the program was built with a CUDA build of libtorch.",
    valueName: "device")
}
