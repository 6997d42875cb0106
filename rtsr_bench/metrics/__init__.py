"""The only image metrics of the project: MSE, PSNR, SSIM, on the conventions that tracks name."""
