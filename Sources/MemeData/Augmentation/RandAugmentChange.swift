/// The changes among which RandAugment (Cubuk, Zoph, Shlens and Le, 2019, arXiv:1909.13719) chooses, in torchvision's
/// order and strengths.
public enum RandAugmentChange: CaseIterable, Sendable {
  case identity, shearAcross, shearDown, moveAcross, moveDown, turn, brightness, saturation, contrast, sharpness,
    posterize, solarize, stretchContrast, equalize

  /// - Parameters:
  ///   - magnitude: 0 to 30; how strong the change is.
  ///   - isNegative: Whether a change that has two directions goes the other way.
  func apply(to picture: inout PlanarImage, magnitude: Int, isNegative: Bool) {
    precondition((0...30).contains(magnitude), "a magnitude lies in 0...30, not \(magnitude)")
    let strength = Double(magnitude) / 30
    func signed(_ most: Double) -> Double { (isNegative ? -1 : 1) * most * strength }
    switch self {
    case .identity: break
    case .shearAcross: picture = picture.moved(by: .shearedAcross(signed(0.3)))
    case .shearDown: picture = picture.moved(by: .shearedDown(signed(0.3)))
    case .moveAcross:
      picture = picture.moved(by: .moved(right: Int(signed(150 / 331 * Double(picture.width))), down: 0))
    case .moveDown:
      picture = picture.moved(by: .moved(right: 0, down: Int(signed(150 / 331 * Double(picture.height)))))
    case .turn:
      picture = picture.moved(by: .turned(degrees: signed(30), width: picture.width, height: picture.height))
    case .brightness: picture.adjustBrightness(by: 1 + signed(0.9))
    case .saturation: picture.adjustSaturation(by: 1 + signed(0.9))
    case .contrast: picture.adjustContrast(by: 1 + signed(0.9))
    case .sharpness: picture.adjustSharpness(by: 1 + signed(0.9))
    case .posterize: picture.posterize(to: 8 - Int((Double(magnitude) / 7.5).rounded(.toNearestOrEven)))
    case .solarize: picture.solarize(from: 255 * (1 - strength))
    case .stretchContrast: picture.stretchContrast()
    case .equalize: picture.equalize()
    }
  }
}
