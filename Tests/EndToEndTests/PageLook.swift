import Foundation
import Testing

/// What can be measured of how pages look.
extension WebDriver {
    /// A phone, and a screen on a desk.
    static let sizes = [(width: 390, height: 844), (width: 1280, height: 800)]

    /// Opens each page as a phone and a desktop show it and measures it in the dark and in the light: nothing sticks out, text can be read, nobody complains.
    func look(at pages: [String], of origin: String) async throws {
        for size in Self.sizes {
            try await show(width: size.width, height: size.height, isDark: true)
            for page in pages {
                try await open(origin + page)
                let wide = try await number("document.scrollingElement.scrollWidth - innerWidth")
                #expect(wide <= 0, "\(page) is \(wide) pixels too wide for \(size.width)")
                for isDark in [true, false] {
                    try await show(width: size.width, height: size.height, isDark: isDark)
                    let faint = try await value(Self.faintTexts) as? [String]
                    #expect(faint == [], "\(page) in the \(isDark ? "dark" : "light") at \(size.width)")
                }
                let complaints = try await complaints()
                #expect(complaints == [], "\(page)")
            }
        }
    }

    /// As a device of that size would, which may be smaller than a window can be; and with what its owner prefers.
    func show(width: Int, height: Int, isDark: Bool) async throws {
        try await develop(
            "Emulation.setDeviceMetricsOverride", ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600])
        let scheme = ["name": "prefers-color-scheme", "value": isDark ? "dark" : "light"]
        try await develop("Emulation.setEmulatedMedia", ["features": [scheme]])
    }

    /// Texts with less contrast than WCAG 2.2, 1.4.3 asks for (4.5 to 1), by its formula, over the colours that lie behind them.
    private static let faintTexts = #"""
        (() => {
          const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
          const known = new Map();
          const rgba = (text) => {
            if (known.has(text)) return [...known.get(text)];
            canvas.clearRect(0, 0, 1, 1);
            canvas.fillStyle = text;
            canvas.fillRect(0, 0, 1, 1);
            const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
            known.set(text, [r, g, b, a / 255]);
            return rgba(text);
          };
          const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
          const luminance = (colour) => {
            const [r, g, b] = colour.map((v) => v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const faint = [];
          const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          while (texts.nextNode()) {
            const text = texts.currentNode.data.trim(), element = texts.currentNode.parentElement;
            if (!text || !element.checkVisibility()) continue;
            const line = [];
            for (let e = element; e; e = e.parentElement) line.unshift(e);
            const ground = line.reduce((colour, e) => over(rgba(getComputedStyle(e).backgroundColor), colour), [255, 255, 255]);
            const ink = rgba(getComputedStyle(element).color);
            ink[3] *= line.reduce((opacity, e) => opacity * Number(getComputedStyle(e).opacity), 1);
            const [light, dark] = [luminance(over(ink, ground)), luminance(ground)].sort((a, b) => b - a);
            const ratio = (light + 0.05) / (dark + 0.05);
            if (ratio < 4.5) faint.push(`${ratio.toFixed(2)}: ${text.slice(0, 40)}`);
          }
          return [...new Set(faint)];
        })()
        """#
}
